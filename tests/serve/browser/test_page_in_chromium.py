"""The page in a browser: what a person does with it, and what it must never do."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from storage.errors import ConnectionLost
from storage.opening import open_repository
from storage.pictures import encode_png
from storage.query import parse
from tests.ml_fixtures import digits, digits_model, store_digits
from tests.serve.browser.conftest import Open, Visit
from tests.serve.browser.hand import DIGITS, write
from tests.serve.opened import Opened

TOKEN = "-".join(["a", "token", "of", "tests"])
HOSTILE = "<img src=x onerror=alert(1)>"
CONTRAST = """pairs => pairs.map(([front, back]) => {
  const light = (name) => {
    const probe = document.createElement("p");
    document.body.append(probe);
    probe.style.color = `var(--${name})`;
    const parts = getComputedStyle(probe).color.match(/[0-9.]+/g).slice(0, 3);
    probe.remove();
    const [r, g, b] = parts.map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [high, low] = [light(front), light(back)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
})"""
TEXTS = [
    *([front, back] for front in ("ink", "soft") for back in ("card", "back", "track")),
    ["on-accent", "accent"],
    ["bad", "track"],
]
PARTS = [["accent", "card"], ["accent", "track"], ["soft", "card"]]


def a_digit(folder: Path, number: int = 0, name: str = "digit.png") -> Path:
    """One of scikit-learn's digits as a file; the first one is a 0."""
    path = folder / name
    path.write_bytes(encode_png(digits()[0][number]))
    return path


def choose(page: Page, path: Path) -> None:
    page.set_input_files("#image", path)
    page.locator("#ask button").click()


def said(page: Page) -> str:
    """The label that is named first, once it is there."""
    return page.locator(".said b").inner_text()


def tagged(db: Path) -> int:
    with open_repository(db) as repo:
        return repo.images.count(parse("tag:http"))


def test_a_chosen_file_is_shown_with_its_bars(door: Opened, visit: Visit, tmp_path: Path) -> None:
    page = visit(door.url)
    choose(page, a_digit(tmp_path))
    assert said(page) == "0"
    assert page.locator(".bars li").count() == 5
    shares = [float(each.get_attribute("value") or "") for each in page.locator("data").all()]
    widths = [
        float((each.get_attribute("width") or "")[:-1]) for each in page.locator("rect").all()
    ]
    assert widths == pytest.approx([100 * share for share in shares], abs=0.006)
    assert shares == sorted(shares, reverse=True)


def test_a_dropped_file_is_predicted_at_once(door: Opened, visit: Visit, tmp_path: Path) -> None:
    page = visit(door.url)
    data = list(a_digit(tmp_path).read_bytes())
    dropped = page.evaluate_handle(
        """bytes => {
          const carried = new DataTransfer();
          carried.items.add(new File([new Uint8Array(bytes)], "dropped.png", {type: "image/png"}));
          return carried;
        }""",
        data,
    )
    page.dispatch_event("#result", "drop", {"dataTransfer": dropped})
    assert said(page) == "0"
    expect(page.locator("figcaption")).to_contain_text("dropped.png")


@pytest.mark.slow
def test_drawn_digits_are_called_what_they_are(door: Opened, visit: Visit) -> None:
    page = visit(door.url)
    found: dict[str, str] = {}
    for digit in DIGITS:
        write(page, digit)
        page.locator("#send").click()
        expect(page.locator("figcaption")).to_contain_text(f"image {61 + len(found)}")
        found[digit] = said(page)
        page.locator("#clear").click()
    assert found == {digit: digit for digit in DIGITS}


def test_it_does_not_matter_where_and_how_large_it_is_drawn(door: Opened, visit: Visit) -> None:
    page = visit(door.url)
    write(page, "7", at=(0.02, 0.5), size=0.4)
    page.locator("#send").click()
    assert said(page) == "7"


def test_a_drawing_is_kept_in_the_form_of_the_datasets_pictures(
    door: Opened, visit: Visit, digits_db: Path
) -> None:
    page = visit(door.url)
    write(page, "7")
    page.locator("#send").click()
    said(page)
    with open_repository(digits_db) as repo:
        (image,) = repo.images.page(parse("tag:http")).images
    assert (image.width, image.height, image.format) == (8, 8, "png")


def test_a_cleared_drawing_cannot_be_sent(door: Opened, visit: Visit) -> None:
    page = visit(door.url)
    expect(page.locator("#send")).to_be_disabled()
    write(page, "1")
    expect(page.locator("#send")).to_be_enabled()
    page.locator("#clear").click()
    expect(page.locator("#send")).to_be_disabled()


def test_a_finger_draws_too(door: Opened, visit: Visit) -> None:
    page = visit(door.url, has_touch=True)
    page.locator("#pad").tap(position={"x": 90, "y": 90})
    expect(page.locator("#send")).to_be_enabled()


def test_the_recent_ones_are_the_newest_first_with_their_pictures(
    door: Opened, visit: Visit, tmp_path: Path
) -> None:
    page = visit(door.url)
    for number in (0, 1):
        choose(page, a_digit(tmp_path, number))
        expect(page.locator("#recent li")).to_have_count(number + 1)
    expect(page.locator("#recent .name").first).to_have_text("1")
    for each in page.locator("#recent img").all():
        expect(each).to_have_js_property("naturalWidth", 8)
    page.locator("#recent a").last.click()
    expect(page.locator("figcaption")).to_contain_text("digit.png")
    assert said(page) == "0"


def test_what_is_not_to_be_kept_is_shown_and_not_stored(
    door: Opened, visit: Visit, tmp_path: Path, digits_db: Path
) -> None:
    page = visit(door.url)
    page.locator("#save").uncheck()
    choose(page, a_digit(tmp_path))
    assert said(page) == "0"
    expect(page.locator(".frame img")).to_have_js_property("naturalWidth", 8)
    assert tagged(digits_db) == 0


def test_what_is_no_picture_is_told_plainly(door: Opened, visit: Visit, tmp_path: Path) -> None:
    page = visit(door.url, refused=True)
    path = tmp_path / "letter.png"
    path.write_bytes(b"Dear all")
    choose(page, path)
    problem = page.get_by_role("alert")
    expect(problem).to_contain_text("not a picture")
    expect(problem).to_contain_text("A picture is a PNG")
    choose(page, a_digit(tmp_path))
    assert said(page) == "0"


def test_a_door_that_is_gone_is_told_plainly(door: Opened, visit: Visit, tmp_path: Path) -> None:
    page = visit(door.url, refused=True)
    door.shut()
    choose(page, a_digit(tmp_path))
    expect(page.get_by_role("alert")).to_contain_text("the server cannot be reached")


def test_a_refusal_before_the_page_is_told_plainly(
    door: Opened, visit: Visit, tmp_path: Path
) -> None:
    page = visit(door.url, refused=True)
    problem = {"title": "Service Unavailable", "detail": f"too much {HOSTILE}", "hint": "Wait."}
    page.route(
        door.url,
        lambda route: route.fulfill(status=503, json=problem, content_type="application/json"),
    )
    choose(page, a_digit(tmp_path))
    told = page.get_by_role("alert")
    expect(told).to_contain_text(f"too much {HOSTILE}")
    expect(told).to_contain_text("Wait.")
    expect(told).to_contain_text("503")


def test_a_door_without_a_model_says_what_to_do(
    open_door: Open, visit: Visit, tmp_path: Path
) -> None:
    db = tmp_path / "empty.db"
    open_repository(db, create=True).close()
    page = visit(open_door(db).url)
    expect(page.get_by_role("alert")).to_contain_text("model")


def test_without_javascript_the_form_does_the_same(
    door: Opened, visit: Visit, tmp_path: Path, digits_db: Path
) -> None:
    page = visit(door.url, java_script_enabled=False)
    expect(page.locator("#draw")).to_be_hidden()
    choose(page, a_digit(tmp_path))
    assert said(page) == "0"
    assert page.locator("#recent li").count() == 1
    page.reload()
    assert said(page) == "0"
    assert tagged(digits_db) == 1


def test_without_javascript_a_problem_is_on_the_page_too(
    door: Opened, visit: Visit, tmp_path: Path
) -> None:
    page = visit(door.url, java_script_enabled=False, refused=True)
    path = tmp_path / "letter.png"
    path.write_bytes(b"Dear all")
    choose(page, path)
    expect(page.get_by_role("alert")).to_contain_text("not a picture")
    expect(page.locator("#ask")).to_be_visible()


def test_names_and_labels_are_never_markup(open_door: Open, visit: Visit, tmp_path: Path) -> None:
    db = tmp_path / "hostile.db"
    labels = tuple(f"{HOSTILE}{digit}" for digit in range(10))
    with open_repository(db, create=True) as repo:
        repo.models.add(digits_model(HOSTILE, labels))
    page = visit(open_door(db).url)
    choose(page, a_digit(tmp_path, name=f"a{HOSTILE}.png"))
    assert said(page) == f"{HOSTILE}0"
    expect(page.locator("figcaption")).to_contain_text(f"a{HOSTILE}.png")
    expect(page.locator("header")).to_contain_text(HOSTILE)
    expect(page.locator("#recent .name")).to_have_text(f"{HOSTILE}0")
    assert page.locator("[onerror], [src=x]").count() == 0


def test_a_token_is_asked_for_once(
    open_door: Open, visit: Visit, digits_db: Path, tmp_path: Path
) -> None:
    page = visit(open_door(digits_db, token=TOKEN).url, refused=True)
    assert page.locator("#ask").count() == 0
    page.fill("#token", "some other token that is wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("the token is wrong")
    page.fill("#token", TOKEN)
    page.keyboard.press("Enter")
    choose(page, a_digit(tmp_path))
    assert said(page) == "0"
    expect(page.locator("#recent img")).to_have_js_property("naturalWidth", 8)
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert TOKEN not in cookie["value"]
    assert page.evaluate("document.cookie") == ""


def test_a_page_whose_cookie_is_gone_asks_again(
    open_door: Open, visit: Visit, digits_db: Path, tmp_path: Path
) -> None:
    page = visit(open_door(digits_db, token=TOKEN).url, refused=True)
    page.fill("#token", TOKEN)
    page.keyboard.press("Enter")
    expect(page.locator("#ask")).to_be_visible()
    page.context.clear_cookies()
    choose(page, a_digit(tmp_path))
    expect(page.locator("#token")).to_be_visible()


def test_nothing_moves_when_the_answer_comes(door: Opened, visit: Visit, tmp_path: Path) -> None:
    page = visit(door.url)
    where = """['#ask', '#draw', '#result', '#recent'].map(
      each => document.querySelector(each).getBoundingClientRect().top + scrollY)"""
    before = page.evaluate(where)
    choose(page, a_digit(tmp_path))
    said(page)
    assert page.evaluate(where) == before


def test_an_empty_result_takes_little_room_on_a_phone(door: Opened, visit: Visit) -> None:
    page = visit(door.url, viewport={"width": 360, "height": 740})
    box = page.locator("#result").bounding_box()
    assert box is not None
    assert box["height"] < 150


def test_without_javascript_the_page_goes_to_the_result_and_keeps_the_tick(
    door: Opened, visit: Visit, tmp_path: Path
) -> None:
    small = {"width": 360, "height": 500}
    page = visit(door.url, java_script_enabled=False, viewport=small)
    expect(page.get_by_label("Choose a file")).to_be_visible()
    assert page.get_by_text("Drop").count() == 0
    for keep in (False, True):
        page.locator("#save").set_checked(keep)
        choose(page, a_digit(tmp_path))
        expect(page.locator(".said")).to_be_in_viewport()
        assert page.locator("#save").is_checked() is keep


def test_what_was_known_stays_while_the_dataset_is_away(
    door: Opened, visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = visit(door.url, refused=True)
    choose(page, a_digit(tmp_path))
    expect(page.locator("#recent li")).to_have_count(1)

    def lost(*_: object, **__: object) -> None:
        raise ConnectionLost("the server is gone")

    with monkeypatch.context() as patch:
        patch.setattr("storage.sqlite.images.SqliteImages.add", lost)
        choose(page, a_digit(tmp_path, 1))
        expect(page.get_by_role("alert")).to_contain_text("out of reach")
        expect(page.locator("header")).to_contain_text("out of reach")
        expect(page.locator("#recent li")).to_have_count(1)
    choose(page, a_digit(tmp_path, 1))
    expect(page.locator("#recent li")).to_have_count(2)
    expect(page.locator("header")).to_contain_text("model means")


@pytest.mark.parametrize("width", [360, 1100])
def test_nothing_is_wider_than_the_window(
    door: Opened, visit: Visit, tmp_path: Path, width: int
) -> None:
    page = visit(door.url, viewport={"width": width, "height": 740})
    choose(page, a_digit(tmp_path, name=f"{'long' * 40}.png"))
    said(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_enough_contrast(door: Opened, visit: Visit, scheme: str) -> None:
    page = visit(door.url, color_scheme=scheme)
    assert min(page.evaluate(CONTRAST, TEXTS)) >= 4.5
    assert min(page.evaluate(CONTRAST, PARTS)) >= 3


def test_the_whole_form_is_in_reach_of_the_keyboard(
    door: Opened, visit: Visit, tmp_path: Path
) -> None:
    page = visit(door.url)
    page.set_input_files("#image", a_digit(tmp_path))
    page.locator("h1 a").focus()
    reached = []
    for _ in range(3):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert reached == ["image", "save", "BUTTON"]
    page.keyboard.press("Enter")
    assert said(page) == "0"


def test_everything_to_use_has_a_name_for_a_screen_reader(door: Opened, visit: Visit) -> None:
    page = visit(door.url)
    named = """each => each.labels?.length || each.textContent.trim() || each.ariaLabel"""
    for each in page.locator("button, input, canvas, a").all():
        assert each.evaluate(named)
    expect(page.get_by_label("Drop an image here")).to_be_visible()
    assert page.locator("#result").get_attribute("aria-live") == "polite"


def test_photos_get_no_drawing_area(open_door: Open, visit: Visit, tmp_path: Path) -> None:
    import numpy as np

    from tests.ml_fixtures import picture

    db = tmp_path / "photos.db"
    dice = np.random.default_rng(0)
    with open_repository(db, create=True) as repo:
        store_digits(repo, 1)
        repo.models.add(digits_model())
        import_id = repo.images.begin_import("noise", {})
        noise = [dice.integers(0, 256, (32, 32, 3), np.uint8) for _ in range(4)]
        repo.images.add(
            [picture(each, label="0", split="train") for each in noise], import_id=import_id
        )
    page = visit(open_door(db).url)
    assert page.locator("#pad").count() == 0
