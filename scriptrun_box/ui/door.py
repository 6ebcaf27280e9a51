"""The door of the screens: setting up, signing in and out, one-time links, the sandbox switch."""

from typing import NoReturn
from zoneinfo import available_timezones

from starlette.responses import Response

from scriptrun_box.accounts import actions, gates, passwords, signin
from scriptrun_box.accounts import store as accounts
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.errors import Forbidden, Invalid, NotFound, RateLimited, Unauthorized
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.tls import machine_addresses

from . import pages

TOKEN_MAX_CHARS = 200
USUAL_ZONES = {
    "America/New_York": "Eastern (New York, Miami)",
    "America/Chicago": "Central (Chicago, Dallas)",
    "America/Denver": "Mountain (Denver)",
    "America/Phoenix": "Arizona (Phoenix)",
    "America/Los_Angeles": "Pacific (Los Angeles)",
    "America/Anchorage": "Alaska (Anchorage)",
    "Pacific/Honolulu": "Hawaii (Honolulu)",
    "America/Puerto_Rico": "Atlantic (Puerto Rico)",
}
DONE = {"out": "You are signed out."}


async def sign_in_page(call: Call) -> Response:
    """GET /sign-in."""
    following = pages.local_path(call.query_params.get("next", "/"))
    if gates.signed_in(call):
        return pages.redirect(following)
    return await _sign_in_form(call, following, notice=pages.done(call, DONE))


async def sign_in(call: Call) -> Response:
    """POST /sign-in: a new session, never the one the browser came with."""
    gates.check_same_site(call)
    form = gates.form(call)
    following = pages.local_path(form.get("next", "/"))
    try:
        token = await signin.sign_in(
            call.box.db,
            call.app.state.sign_ins,
            email=form.get("email", ""),
            password=form.get("password", "")[: passwords.MAX_CHARS + 1],
            address=gates.client(call),
            device=_device(call),
        )
    except (Unauthorized, RateLimited) as refusal:
        shown = await _sign_in_form(
            call, following, refusal.status, email=form.get("email", ""), wrong=refusal.sentence
        )
        shown.headers.update(refusal.headers)
        return shown
    await _leave(call)
    return _with_session(call, pages.redirect(following), token)


async def sign_out(call: Call) -> Response:
    """POST /sign-out."""
    await call.box.db.write(signin.sign_out, gates.person_of_call(call))
    answer = pages.redirect("/sign-in?done=out")
    answer.delete_cookie(
        gates.cookie_name(call), httponly=True, samesite="lax", secure=call.url.scheme == "https"
    )
    return answer


async def sandbox(call: Call) -> Response:
    """POST /sandbox: this session's screens show the sandbox (test=1) or live data again."""
    form = gates.form(call)
    person = gates.person_of_call(call)
    await call.box.db.write(signin.show_sandbox, person, form.get("test") == "1")
    following = pages.local_path(form.get("next", "/"))
    # A package of one side does not exist on the other.
    return pages.redirect("/packages" if following.startswith("/packages/") else following)


async def set_up_page(call: Call) -> Response:
    """GET /set-up?token=…: the first page of a new box."""
    _need_this_machine(call)
    token = call.query_params.get("token", "")
    _check_link(call, token, for_person=False)
    zone = call.box.settings.pharmacy.time_zone
    return await _set_up_form(call, {"token": token, "time_zone": zone}, {})


async def set_up(call: Call) -> Response:
    """POST /set-up: the pharmacy and its owner, who is signed in at once."""
    _need_this_machine(call)
    gates.check_same_site(call)
    form = gates.form(call)
    token = form.get("token", "")
    _check_link(call, token, for_person=False)
    try:
        _check_twice(form)
        hashed = await passwords.hash_later(form["password"])
        session = await call.box.db.write(_set_up, token, form, hashed, _device(call))
    except Invalid as refusal:
        return await _set_up_form(call, form, _wrong(refusal), 400)
    return _with_session(call, pages.redirect("/"), session)


async def link_page(call: Call) -> Response:
    """GET /link?token=…: a person chooses a password."""
    token = call.query_params.get("token", "")
    _check_link(call, token, for_person=True)
    return await pages.render(call, "link.html", token=token, wrong={})


async def follow_link(call: Call) -> Response:
    """POST /link: the password is set, every older session has ended, a new one begins."""
    gates.check_same_site(call)
    form = gates.form(call)
    token = form.get("token", "")
    _check_link(call, token, for_person=True)
    try:
        _check_twice(form)
    except Invalid as refusal:
        return await pages.render(call, "link.html", 400, token=token, wrong=_wrong(refusal))
    hashed = await passwords.hash_later(form["password"])
    session = await call.box.db.write(_set_password, token, hashed, _device(call))
    return _with_session(call, pages.redirect("/"), session)


async def _sign_in_form(
    call: Call, following: str, status: int = 200, email: str = "", wrong: str = "",
    notice: str = "",
) -> Response:  # fmt: skip
    return await pages.render(
        call, "sign_in.html", status, next=following, email=email, wrong=wrong, notice=notice
    )


async def _set_up_form(
    call: Call, given: dict[str, str], wrong: dict[str, str], status: int = 200
) -> Response:
    others = sorted(zone for zone in available_timezones() if zone not in USUAL_ZONES)
    return await pages.render(
        call,
        "set_up.html",
        status,
        given={"pharmacy": "", "address": "", "name": "", "email": "", "time_zone": "", **given},
        wrong=wrong,
        usual=USUAL_ZONES,
        others=[zone for zone in others if "/" in zone],
    )


async def _leave(call: Call) -> None:
    """End the session the browser still held: a sign-in replaces it."""
    former = gates.signed_in(call)
    if former is not None:
        await call.box.db.write(signin.sign_out, former)


def _set_up(w: Writer, token: str, form: dict[str, str], hashed: str, device: str) -> str:
    owner = actions.set_up(
        w,
        token,
        pharmacy=form.get("pharmacy", ""),
        address=form.get("address", ""),
        time_zone=form.get("time_zone", ""),
        email=form.get("email", ""),
        name=form.get("name", ""),
        password=hashed,
    )
    return signin.start_session(w, owner, device)


def _set_password(w: Writer, token: str, hashed: str, device: str) -> str:
    return signin.start_session(w, actions.set_password_by_link(w, token, hashed), device)


def _need_this_machine(call: Call) -> None:
    """A box is set up where it runs: nobody on the network can be faster."""
    if gates.client(call) not in machine_addresses():
        raise Forbidden("Set the box up on the machine it runs on.", code="source_refused")


def _check_link(call: Call, token: str, *, for_person: bool) -> None:
    digest = actions.digest_of(token[:TOKEN_MAX_CHARS])
    row = call.box.db.peek(accounts.link, digest, clock.now_ms())
    if row is None or (row["user_id"] is not None) != for_person:
        _refuse_link()


def _refuse_link() -> NoReturn:
    raise NotFound(actions.link_used_up().sentence, code="link_used")


def _check_twice(form: dict[str, str]) -> None:
    """The password is allowed and was typed the same twice; raises Invalid."""
    password = form.get("password", "")
    passwords.check(password)
    if password != form.get("again", ""):
        raise actions.invalid("again", "conflict", "The two passwords are not the same.")


def _wrong(refusal: Invalid) -> dict[str, str]:
    """What is wrong, by field."""
    return {item["field"]: item["message"] for item in refusal.details}


def _device(call: Call) -> str:
    return call.headers.get("user-agent", "")[: signin.DEVICE_MAX]


def _with_session(call: Call, answer: Response, token: str) -> Response:
    answer.set_cookie(
        gates.cookie_name(call),
        token,
        httponly=True,
        samesite="lax",
        secure=call.url.scheme == "https",
        path="/",
    )
    return answer
