"""Pictures are made anew: upright, small, with nothing of the camera; what is none is refused."""

import io
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from scriptrun_box.delivery.pictures import STORED_BYTES_MAX, Pictures, _encoded, need_signature
from scriptrun_box.kernel.errors import Invalid, Refusal, TooLarge, UnsupportedMedia

from .doors import STROKES, photo

pytestmark = pytest.mark.anyio


@pytest.fixture
async def pictures() -> AsyncIterator[Pictures]:
    made = Pictures()
    yield made
    await made.stop()


def opened(body: bytes) -> Image.Image:
    """A picture as a viewer reads it."""
    picture = Image.open(io.BytesIO(body))
    picture.load()
    return picture


async def test_a_photo_loses_its_exif_and_stands_upright(pictures: Pictures) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    exif[0x010F] = "A camera of Luis"
    exif.get_ifd(0x8825)[1] = "N"  # where it was taken
    made = await pictures.encode(photo(640, 480, exif=exif.tobytes()))
    seen = opened(made.body)
    assert made.type == "image/jpeg"
    assert (seen.format, seen.size) == ("JPEG", (480, 640))
    assert not seen.getexif() and b"Luis" not in made.body


async def test_any_photo_is_small_in_the_end(pictures: Pictures) -> None:
    noise = Image.effect_noise((3_000, 2_000), 120)
    out = io.BytesIO()
    noise.save(out, "PNG")
    made = await pictures.encode(out.getvalue())
    assert len(made.body) <= STORED_BYTES_MAX
    assert opened(made.body).size[0] >= 400


@pytest.mark.parametrize("type", ["PNG", "WEBP", "JPEG"])
async def test_each_kind_a_phone_makes_is_taken(pictures: Pictures, type: str) -> None:
    assert opened((await pictures.encode(photo(type=type))).body).format == "JPEG"


async def test_what_is_see_through_becomes_white(pictures: Pictures) -> None:
    out = io.BytesIO()
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(out, "PNG")
    assert opened((await pictures.encode(out.getvalue())).body).getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (b"", UnsupportedMedia, "not_a_picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", UnsupportedMedia, "not_a_picture"),
        (b"GIF89a" + bytes(60), UnsupportedMedia, "not_a_picture"),
        (b"%PDF-1.7\n" + bytes(60), UnsupportedMedia, "not_a_picture"),
        (photo()[:400], Invalid, "picture_broken"),
    ],
    ids=["nothing", "svg", "gif", "pdf", "cut"],
)
async def test_what_is_no_picture_is_refused(
    pictures: Pictures, body: bytes, kind: type[Refusal], code: str
) -> None:
    with pytest.raises(kind) as refused:
        await pictures.encode(body)
    assert refused.value.code == code
    assert (await pictures.encode(photo())).body  # and the next one is taken


async def test_a_bomb_of_pixels_is_refused_by_its_head(pictures: Pictures) -> None:
    out = io.BytesIO()
    Image.new("1", (13_000, 13_000)).save(out, "PNG")
    with pytest.raises(TooLarge) as refused:
        await pictures.encode(out.getvalue())
    assert refused.value.code == "too_many_pixels"


async def test_what_hides_behind_a_picture_is_gone(pictures: Pictures) -> None:
    made = await pictures.encode(photo() + b"<script>alert(1)</script>PK\x03\x04")
    assert b"script" not in made.body and b"PK" not in made.body


async def test_a_signature_is_drawn_as_it_was_written(pictures: Pictures) -> None:
    drawn = await pictures.draw(STROKES)
    seen = opened(drawn.picture.body).convert("L")
    assert drawn.picture.type == "image/png" and len(drawn.picture.body) < 20_000
    assert seen.getextrema() == (0, 255)
    assert drawn.strokes == "[[[0.0,0.0],[40.0,20.0],[80.0,0.0]],[[10.0,30.0],[60.0,30.0]]]"


@pytest.mark.parametrize(
    ("strokes", "code"),
    [
        ([], "signature_empty"),
        ([[]], "signature_empty"),
        ([[[5.0, 5.0]]], "signature_empty"),
        ([[[5.0, 5.0], [6.0, 6.0]]], "signature_empty"),
        ([[[5.0]]], "signature_bad"),
        ([[[1e9, 0.0], [0.0, 0.0]]], "signature_bad"),
        ([[[0.0, 0.0], [50.0, 9.0]]] * 401, "signature_bad"),
        ([[[float(n), 0.0] for n in range(20_001)]], "signature_bad"),
    ],
)
def test_a_dot_or_a_slip_is_no_signature(strokes: list[list[list[float]]], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        need_signature(strokes)
    assert refused.value.code == code


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.integers(0, 600))
def test_no_file_brings_the_encoder_down(noise: bytes, at: int) -> None:
    whole = photo()
    for body in (noise, whole[:at] + noise + whole[at + len(noise) :]):
        result = _encoded(body)
        assert set(result) in ({"refused"}, {"type", "body"})
