"""The first start: nothing but its set-up link works, and the link works once."""

import re
from pathlib import Path

from .server import EMAIL, PASSWORD, Box, batch, box

LINK = re.compile(r"https?://\S+/set-up\?token=(\S+)")
FORM = {
    "pharmacy": "Corner Drug",
    "name": "Olivia Owner",
    "email": EMAIL,
    "time_zone": "America/New_York",
    "password": PASSWORD,
    "again": PASSWORD,
}


def printed_token(made: Box) -> str:
    return LINK.findall(made.said())[-1]


def test_a_new_box_answers_not_set_up_until_its_printed_link_was_followed_once(
    tmp_path: Path,
) -> None:
    with box(tmp_path / "data") as made:
        made.start()
        token = printed_token(made)
        with made.client("sk_live_guessed") as client:
            for method, path in (("POST", "/api/webhook/orders"), ("GET", "/"), ("GET", "/no")):
                answer = client.request(method, path, json=batch())
                assert (answer.status_code, answer.json()["code"]) == (503, "not_set_up")
            assert client.get("/healthz").status_code == 200
            ready = client.get("/readyz")
            assert ready.status_code == 503
            assert "not_set_up" in [each["code"] for each in ready.json()["problems"]]
            guessed = client.post("/set-up", data={**FORM, "token": "guessed"})
            assert guessed.status_code == 404
            assert client.get("/set-up", params={"token": token}).status_code == 200
            done = client.post("/set-up", data={**FORM, "token": token})
            assert (done.status_code, done.headers["location"]) == (303, "/")
            assert client.get("/").status_code == 200, "the owner is signed in"
            assert client.get("/readyz").status_code == 200
            client.cookies.clear()
            again = client.post("/set-up", data={**FORM, "email": "b@x.example", "token": token})
            assert again.status_code == 404
            assert client.get("/", follow_redirects=False).status_code == 401
        assert len(made.cli("user", "list").splitlines()) == 2, "a head and one owner"
        assert made.stop() == 0
        made.start()
        assert len(LINK.findall(made.said())) == 1, "a box that is set up prints no link"


def test_a_second_start_prints_another_link_and_the_first_is_void(tmp_path: Path) -> None:
    with box(tmp_path / "data") as made:
        made.start()
        first = printed_token(made)
        assert made.stop() == 0
        made.start()
        second = printed_token(made)
        assert first != second
        with made.client() as client:
            assert client.get("/set-up", params={"token": first}).status_code == 404
            assert client.get("/set-up", params={"token": second}).status_code == 200
