"""Names that become files: which are taken, and what is said of the others."""

from __future__ import annotations

import pytest

from brainleaks_pl.system.names import check_names, file_part, name_of_config


def test_ordinary_names_are_taken_in_any_script() -> None:
    check_names("judges", ["snn", "cnn-2", "v1.0+", "_x", "große", "スパイク", "a" * 100])


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../../evil",
        "a/b",
        "a\\b",
        "v1 long",
        "a$b",
        "a\nb",
        "a\0",
        "\udc80",
        "a" * 101,
        "字" * 90,
        "a:b",
    ],
)
def test_what_no_file_is_called_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="judges has a name that no file can have") as refused:
        check_names("judges", ["cnn", name])
    assert repr(name) in str(refused.value)
    assert "letters, digits and any of _ . + -, at most 100" in str(refused.value)


@pytest.mark.parametrize(("one", "other"), [("CNN", "cnn"), ("straße", "STRASSE"), ("ﬁt", "fit")])
def test_names_that_differ_in_case_alone_are_refused(one: str, other: str) -> None:
    with pytest.raises(ValueError, match=f"targets has the names '{one}' and '{other}'"):
        check_names("targets", [one, other])


def test_any_value_becomes_part_of_a_name() -> None:
    assert [file_part(value) for value in (0.5, 1e-5, "../x", "a b\nc", None)] == [
        "0.5", "1e-05", ".._x", "a_b_c", "None"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "name"), [("a/b.yaml", "b"), ("my config (1).yaml", "my config (1)"), ("ü.yaml", "ü")]
)
def test_a_config_gives_its_name(path: str, name: str) -> None:
    assert name_of_config(path) == name


@pytest.mark.parametrize("path", ["...yaml", "a\nb.yaml", "..", "\x1b[0m.yaml"])
def test_a_config_whose_name_no_folder_should_have(path: str) -> None:
    with pytest.raises(ValueError, match=r"would make folders called .*: rename it"):
        name_of_config(path)
