// A signature as it is drawn: strokes of [x, y, milliseconds], not a picture.

import { button, h } from "./dom.js";

const EDGE_MIN = 24; // pixels: a dot is no signature
const POINTS_MAX = 4_000;

export function signField(strokes, changed) {
  const canvas = h("canvas", { class: "sign", id: "sign", role: "img", "aria-label": "Sign here with a finger" });
  let began = null;
  let current = null;
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    began ??= event.timeStamp;
    return [round(event.clientX - box.left), round(event.clientY - box.top), Math.round(event.timeStamp - began)];
  };
  canvas.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    fit(canvas);
    canvas.setPointerCapture(event.pointerId);
    current = [place(event)];
    strokes.push(current);
    draw(canvas, strokes);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!current || count(strokes) > POINTS_MAX) return;
    for (const each of event.getCoalescedEvents?.() ?? [event]) current.push(place(each));
    draw(canvas, strokes);
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(kind, () => {
      current = null;
      changed();
    });
  }
  const clear = () => {
    strokes.length = 0;
    draw(canvas, strokes);
    changed();
  };
  requestAnimationFrame(() => {
    fit(canvas);
    draw(canvas, strokes);
  });
  return h("div", { class: "stack tight" }, canvas, button("Clear the signature", clear));
}

export function isSignature(strokes) {
  const points = strokes.flat();
  const spread = (at) => Math.max(...points.map((each) => each[at])) - Math.min(...points.map((each) => each[at]));
  return points.length > 2 && Math.max(spread(0), spread(1)) >= EDGE_MIN;
}

const round = (value) => Math.round(value * 10) / 10;
const count = (strokes) => strokes.reduce((sum, stroke) => sum + stroke.length, 0);

function fit(canvas) {
  const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((each) => each * devicePixelRatio);
  if (canvas.width === width && canvas.height === height) return;
  canvas.width = width;
  canvas.height = height;
}

function draw(canvas, strokes) {
  const pen = canvas.getContext("2d");
  pen.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.lineWidth = 2.5;
  pen.lineCap = "round";
  pen.lineJoin = "round";
  pen.strokeStyle = "#14202b";
  for (const stroke of strokes) {
    pen.beginPath();
    stroke.forEach(([x, y], number) => (number ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.stroke();
  }
}
