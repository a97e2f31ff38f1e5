"""What people saw: which pictures they are shown, what their answers come to, and which files are refused."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from fake_audit import fake_audit
from hypothesis import given, settings
from hypothesis import strategies as st

from brainleaks_pl.audit.people import MOST_BYTES, people_rows, read_ratings, wilson
from brainleaks_pl.audit.report.pictures import Gallery
from brainleaks_pl.audit.report.rating import RATINGS, Sheet, rating_sheet

PAIRS = [(target, attack) for target in ("snn", "ann") for attack in ("v1", "v3", "mi_face")]


def made(folder: Path, **changes: Any) -> tuple[dict[str, Any], Sheet]:
    """An audit whose reconstructions all differ, and what there is to rate of it."""
    audit = fake_audit(folder, **changes)
    generator = torch.Generator().manual_seed(0)
    for cell in audit["cells"]:
        path = folder / cell["folder"] / "pictures.pt"
        content = torch.load(path, weights_only=True)
        shape = content["reconstruction"].shape
        content["reconstruction"] = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
        torch.save(content, path)
    return audit, rating_sheet(audit, Gallery(audit, folder))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("people")


@pytest.fixture(scope="module")
def found(folder: Path) -> tuple[dict[str, Any], Sheet]:
    return made(folder)


def saved(path: Path, sheet: Sheet, answers: list[tuple[str, int | None, bool]], rater: str | None = None) -> str:
    said = [{"item": item, "class": label, "real": real} for item, label, real in answers]
    path.write_text(json.dumps({"format": RATINGS, "audit": sheet.digest, "rater": rater, "answers": said}))
    return str(path)


def of(sheet: Sheet, target: str | None, attack: str | None) -> list[tuple[str, int]]:
    return [
        (item.key, item.sources[0].label)
        for item in sheet.items
        if (item.sources[0].target, item.sources[0].attack) == (target, attack)
    ]


def test_pairs_and_classes_have_equal_shares_and_no_picture_comes_twice(found: tuple[dict[str, Any], Sheet]) -> None:
    _, sheet = found
    assert len({item.key for item in sheet.items}) == len(sheet.items)
    counts = Counter(source[1:] for item in sheet.items for source in item.sources)
    assert counts == {**dict.fromkeys(PAIRS, 8), (None, None): 4}  # all of 2 seeds and 4 classes; 4 real ones differ
    assert {choice.label: choice.name for choice in sheet.choices} == dict(enumerate(("zero", "one", "two", "three")))
    groups = [item.sources[0][1:] for item in sheet.items]
    assert len({*groups[:12]}) > 3  # in no order that tells


def test_no_more_are_shown_than_people_have_patience_for(folder: Path) -> None:
    _, sheet = made(folder / "many", seeds=tuple(range(5)))
    counts = Counter((item.sources[0].target, item.sources[0].attack) for item in sheet.items)
    assert counts == {**dict.fromkeys(PAIRS, 8), (None, None): 4}  # 60 // 7
    for pair in PAIRS:
        assert set(Counter(label for _, label in of(sheet, *pair)).values()) == {2}
    assert [item.key for item in sheet.items] != sorted(item.key for item in sheet.items)


def test_the_digest_is_that_of_what_was_drawn(found: tuple[dict[str, Any], Sheet], folder: Path) -> None:
    audit, sheet = found
    again = rating_sheet({**audit, "people": {"raters": 1}, "title": "other"}, Gallery(audit, folder))
    assert (again.digest, [item.key for item in again.items]) == (sheet.digest, [item.key for item in sheet.items])
    assert made(folder / "other", seeds=(0, 2))[1].digest != sheet.digest
    for key in ("reconstruction", "nearest"):
        gallery = Gallery(audit, folder)
        gallery.stored(audit["cells"][0])[key][0, 0, 0, 0] += 1
        assert rating_sheet(audit, gallery).digest != sheet.digest


def test_events_are_all_shown_moving_or_none_is(folder: Path) -> None:
    audit = fake_audit(folder / "events", events=True)
    gallery = Gallery(audit, folder / "events")
    assert {item.shown.ndim for item in rating_sheet(audit, gallery).items} == {4}
    del gallery.stored(audit["cells"][0])["spikes"]
    assert {item.shown.ndim for item in rating_sheet(audit, gallery).items} == {3}


def test_equal_pictures_are_shown_once_and_count_for_each_attack(folder: Path) -> None:
    audit = fake_audit(folder / "equal", seeds=(0,))
    for cell in audit["cells"][:2]:  # v1 and v3 on the SNN draw nothing at all
        path = folder / "equal" / cell["folder"] / "pictures.pt"
        content = torch.load(path, weights_only=True)
        torch.save({**content, "reconstruction": torch.zeros_like(content["reconstruction"])}, path)
    sheet = rating_sheet(audit, Gallery(audit, folder / "equal"))
    (black,) = [item for item in sheet.items if not item.shown.any()]
    assert list(black.sources) == [(label, "snn", attack) for attack in ("v1", "v3") for label in range(4)]
    for guess in range(4):  # the attacks drew it for all four classes: no guess is right for more than one of them
        path = saved(folder / "black.json", sheet, [(black.key, guess, True)])
        rows = people_rows(audit, folder / "equal", read_ratings([path]))
        assert rows is not None
        assert [(row["attack"], row["answers"], row["recognised"], row["taken_for_real"]) for row in rows["rows"]] == [
            ("v1", 1, 0.25, 1.0), ("v3", 1, 0.25, 1.0)
        ]  # fmt: skip


def test_answers_come_to_shares_by_hand(found: tuple[dict[str, Any], Sheet], folder: Path) -> None:
    audit, sheet = found
    assert people_rows(audit, folder, []) is None
    (a, class_a), (b, class_b), (c, _), *_ = of(sheet, "snn", "v3")
    real = of(sheet, None, None)
    ann = [(a, class_a, True), (b, class_b, False), (c, None, False), *((key, label, True) for key, label in real)]
    bob = [(a, (class_a + 1) % 4, False), *((key, (label + 1) % 4, True) for key, label in real[:3])]
    paths = [saved(folder / "ann.json", sheet, ann, "Ann"), saved(folder / "bob.json", sheet, bob, "Bob")]
    rows = people_rows(audit, folder, read_ratings(paths))
    assert rows is not None
    (row,) = rows["rows"]  # pictures of the other pairs have no answer
    assert (rows["raters"], rows["answers"], row["target"], row["attack"], row["answers"]) == (2, 11, "snn", "v3", 4)
    assert row["recognised"] == pytest.approx((0.5 + 1 + 0) / 3)  # a picture counts once, whoever rated it
    assert row["taken_for_real"] == pytest.approx((0.5 + 0 + 0) / 3)
    assert (row["recognised_low"], row["recognised_high"]) == pytest.approx(wilson(0.5, 3))
    assert (row["taken_low"], row["taken_high"]) == pytest.approx(wilson(1 / 6, 3))
    assert (rows["real"]["target"], rows["real"]["answers"], rows["real"]["taken_for_real"]) == (None, 7, 1.0)
    assert rows["real"]["recognised"] == pytest.approx((3 * 0.5 + 1) / 4)
    assert (rows["at_chance"], rows["too_few"], rows["chance"]) == ([], ["Bob"], 0.25)
    alone = people_rows(audit, folder, read_ratings([saved(folder / "c.json", sheet, [(a, None, False)])]))
    assert alone is not None
    assert (alone["real"]["answers"], alone["real"]["recognised"]) == (0, None)
    assert (alone["at_chance"], alone["too_few"]) == ([], [str(folder / "c.json")])


def test_ten_real_pictures_tell_who_knows_the_classes(folder: Path) -> None:
    audit, _ = made(folder / "real", seeds=(0, 1, 2))
    gallery = Gallery(audit, folder / "real")
    generator = torch.Generator().manual_seed(1)
    for cell in audit["cells"]:
        nearest = gallery.stored(cell)["nearest"]
        torch.save(
            {**gallery.stored(cell), "nearest": torch.randint(0, 256, nearest.shape, generator=generator).byte()},
            folder / "real" / cell["folder"] / "pictures.pt",
        )
    sheet = rating_sheet(audit, Gallery(audit, folder / "real"))
    real = of(sheet, None, None)
    assert (len(real), len(sheet.items)) == (10, 10 + 6 * 8)
    said = {
        "Ann": [(key, label, True) for key, label in real],
        "Bob": [(key, (label + 1) % 4, True) for key, label in real],
        "Cyd": [(key, (label + 1) % 4, True) for key, label in real[:9]],
        "Dan": [(key, label, True) for key, label in real[:4]],
    }
    paths = [saved(folder / f"{name}.json", sheet, answers, name) for name, answers in said.items()]
    rows = people_rows(audit, folder / "real", read_ratings(paths))
    assert rows is not None
    assert (rows["at_chance"], rows["too_few"]) == (["Bob"], ["Cyd"])


def test_wilson_intervals_are_those_of_the_tables() -> None:
    assert wilson(0.5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)  # Brown, Cai and DasGupta (2001), n = 10
    assert wilson(0.0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(1.0, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_every_answer_comes_back_to_its_picture(
    data: st.DataObject, found: tuple[dict[str, Any], Sheet], folder: Path
) -> None:
    audit, sheet = found
    rated = data.draw(st.lists(st.sampled_from(sheet.items), min_size=1, unique_by=lambda item: item.key))
    said = [(item.key, data.draw(st.sampled_from([None, 0, 1, 2, 3])), data.draw(st.booleans())) for item in rated]
    rows = people_rows(audit, folder, read_ratings([saved(folder / "some.json", sheet, said)]))
    assert rows is not None
    for row in [*rows["rows"], rows["real"]]:
        own = dict(of(sheet, row["target"], row["attack"]))
        theirs = [(key, label, real) for key, label, real in said if key in own]
        assert row["answers"] == len(theirs)
        if theirs:
            assert row["recognised"] == pytest.approx(sum(own[key] == label for key, label, _ in theirs) / len(theirs))
            assert row["taken_for_real"] == pytest.approx(sum(real for *_, real in theirs) / len(theirs))
            assert row["recognised_low"] <= row["recognised"] <= row["recognised_high"]
    assert sum(row["answers"] for row in [*rows["rows"], rows["real"]]) == rows["answers"] == len(said)


GOOD: dict[str, Any] = {"item": "KEY", "class": 1, "real": True}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "other/1"}, "are not of the format 'brainleaks_pl.ratings/1', got 'other/1'"),
        ({"audit": "0" * 64}, "are of another audit"),
        ({"audit": None}, "do not say of which audit"),
        ({"answers": []}, "hold no answers"),
        ({"answers": [{**GOOD, "item": "nowhere"}]}, "name a picture, 'nowhere', that this audit does not show"),
        ({"answers": [{**GOOD, "class": 4}]}, "of class 4: the classes are 0 to 3"),
        ({"answers": [{**GOOD, "class": -1}]}, "of class -1"),
        ({"answers": [{**GOOD, "class": True}]}, "answer 1 must have an item"),
        ({"answers": [GOOD, {**GOOD, "real": 1}]}, "answer 2 must have an item"),
        ({"answers": [{"item": "KEY", "real": True}]}, "answer 1 must have an item"),
        ({"answers": [GOOD, GOOD]}, "answer twice for the picture"),
        ({"answers": ["KEY"]}, "answer 1 must have an item"),
        ({"rater": "x" * 101}, "at most 100 characters"),
        ({"rater": 3}, "at most 100 characters"),
    ],
)
def test_answers_that_cannot_be_used_are_refused_in_a_line(
    changes: dict[str, Any], message: str, found: tuple[dict[str, Any], Sheet], folder: Path, tmp_path: Path
) -> None:
    audit, sheet = found
    content = {"format": RATINGS, "audit": sheet.digest, "rater": "Ann", "answers": [GOOD], **changes}
    path = tmp_path / "ratings.json"
    path.write_text(json.dumps(content).replace("KEY", sheet.items[0].key))
    with pytest.raises(ValueError, match=str(path)) as refused:
        people_rows(audit, folder, read_ratings([str(path)]))
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file"),
        (b"{", "are not JSON"),
        (b"\xff\xfe", "are not JSON"),
        (b"[" * 100_000, "are not JSON"),
        (b"[]", "are not of the format"),
        (b" " * (MOST_BYTES + 1), f"are larger than {MOST_BYTES} bytes"),
    ],
)
def test_files_that_are_no_answers_are_refused(content: bytes | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "ratings.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_ratings([str(path)])


def test_a_rater_counts_once(found: tuple[dict[str, Any], Sheet], tmp_path: Path) -> None:
    _, sheet = found
    paths = [saved(tmp_path / name, sheet, [(sheet.items[0].key, 0, True)], "Ann") for name in ("a.json", "b.json")]
    with pytest.raises(ValueError, match=r"a\.json and .*b\.json are both by 'Ann'"):
        read_ratings(paths)
    with pytest.raises(ValueError, match="would count twice"):
        read_ratings([saved(tmp_path / "c.json", sheet, [(sheet.items[0].key, 0, True)])] * 2)
