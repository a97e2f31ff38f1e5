"""A whole audit of toy digits: what it runs, counts and writes, and how it takes errors and interruptions."""

from __future__ import annotations

import html
import json
import multiprocessing
import random
import re
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from cells import made_cell
from schemas import fits
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny_audit import MEASURES, NO_CONTROLS, conduct, network, timeless, tiny_audit, work, written
from torch import Tensor

from brainleaks_pl import (
    MLP,
    ATan,
    BrainLeaksV1,
    BrainLeaksV3,
    Checks,
    Classifier,
    CrossEntropy,
    MIFace,
    Scoring,
    SpikingCNN,
    Training,
)
from brainleaks_pl.audit.conduct import exit_status
from brainleaks_pl.audit.document import _queries
from brainleaks_pl.audit.measures.ceiling import EncodingCeiling
from brainleaks_pl.audit.measures.masking import Masking
from brainleaks_pl.audit.measures.sweep import Sweep
from brainleaks_pl.audit.network_run import NetworkRun
from brainleaks_pl.audit.networks import NetworkStore, seed_of
from brainleaks_pl.audit.report.pictures import Gallery
from brainleaks_pl.audit.report.rating import RATINGS, rating_sheet
from brainleaks_pl.audit.run import AuditRun
from brainleaks_pl.audit.settings import Controls
from brainleaks_pl.data.training_views import with_shuffled_labels, without_classes
from brainleaks_pl.evaluation.report import METRICS

pytestmark = pytest.mark.usefixtures("sketched")  # test_report_*.py look at pictures

OTHER_LOSS = {**tiny_audit().attacks, "v3": partial(BrainLeaksV3, steps=10, loss=CrossEntropy())}
ALL_KINDS = {"main", "surrogate", "sweep", "control", "blind", "adversarial"}
MAIN = {("snn", "v1"), ("snn", "v3"), ("ann", "v3"), ("ann", "mi_face")}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished audit; tests must not change it."""
    folder = tmp_path_factory.mktemp("audit")
    conduct(folder)
    return folder


@pytest.fixture(scope="module")
def document(finished: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((finished / "results" / "audit.json").read_text())
    fits("audit", content)
    return content


def test_every_attack_runs_on_every_target_that_it_fits(document: dict[str, Any]) -> None:
    main = [cell for cell in document["cells"] if cell["kind"] == "main"]
    assert {(cell["target"], cell["attack"]) for cell in main} == MAIN
    assert len(main) == 2 * len(MAIN)
    assert all(cell["status"] == "done" for cell in document["cells"])
    assert all(set(cell["judges"]) == {"spiking", "ordinary"} for cell in main)


def test_all_attacks_have_the_same_budget_of_gradients(document: dict[str, Any]) -> None:
    restarts = {cell["attack"]: cell["restarts"] for cell in document["cells"]}
    assert restarts == {"v1": 4, "v3": 2, "mi_face": 1, "adversarial": 3}
    for cell in document["cells"]:
        assert cell["budget"] == (60 if cell["kind"] == "adversarial" else 20)
        assert 0 < cell["gradients"] <= cell["budget"]
        if cell["attack"] == "v1":  # all restarts start from silence: four times the same gradient
            assert cell["gradients"] == 17
    spent = [len(cell["classes"]) * cell["gradients"] for cell in document["cells"]]
    assert document["repeat"]["gradients"] == sum(spent)


def test_probes_and_sweep_take_the_first_seed(document: dict[str, Any]) -> None:
    probes = [cell for cell in document["cells"] if cell["kind"] == "surrogate"]
    assert [(cell["target"], cell["attack"], cell["seed"]) for cell in probes] == [("snn", "v1", 0)]
    assert probes[0]["surrogate"] == {"name": "atan", "class_path": "ATan", "init_args": {"alpha": 2.0}}
    swept = [
        (cell["sweep"]["parameter"], cell["sweep"]["value"]) for cell in document["cells"] if cell["kind"] == "sweep"
    ]
    assert swept == [("beta", 0.2), ("time_steps", 2)]
    rows = [row for row in document["measures"]["sweep"] if row["judge"] == "spiking"]
    assert [(row["parameter"], row["value"]) for row in rows] == [
        ("beta", 0.2), ("beta", 0.7), ("time_steps", 2), ("time_steps", 4)
    ]  # the target as it is among them  # fmt: skip
    tried = [row["surrogate"] for row in document["measures"]["masking"] if row["judge"] == "spiking"]
    assert tried == ["as trained", "atan"]


def test_controls_take_the_first_seed_and_attack_what_their_targets_never_saw(document: dict[str, Any]) -> None:
    found = [cell for cell in document["cells"] if cell["kind"] in ("control", "blind", "adversarial")]
    assert sorted((cell["kind"], cell["target"], cell["attack"], cell["classes"]) for cell in found) == [
        ("adversarial", "ann", "adversarial", [0, 1, 2]), ("adversarial", "snn", "adversarial", [0, 1, 2]),
        ("blind", "ann", "v3", [0, 2]), ("blind", "ann", "v3", [1]),
        ("blind", "snn", "v3", [0, 2]), ("blind", "snn", "v3", [1]),
        ("control", "ann", "v3", [0, 1, 2]), ("control", "snn", "v3", [0, 1, 2]),
    ]  # fmt: skip
    assert all(cell["withheld"] == (cell["classes"] if cell["kind"] == "blind" else None) for cell in found)
    assert {cell["seed"] for cell in found} == {0}
    assert {(row["target"], row["attack"], row["judge"]) for row in document["control"]} == {
        (target, "v3", judge) for target in ("snn", "ann") for judge in ("spiking", "ordinary")
    }
    assert document["verdict"]["control"].startswith("The planted control says nothing: too few classes of snn and ann")


def test_every_score_has_its_false_positive_rate_beside_it(document: dict[str, Any]) -> None:
    def values(kind: str, target: str, judge: str) -> list[float]:
        return [
            row["confidence"]
            for cell in document["cells"]
            if (cell["kind"], cell["target"]) == (kind, target)
            for row in cell["judges"][judge]["per_class"]
        ]

    rows = [row for row in document["summary"] if (row["attack"], row["metric"]) == ("v3", "confidence")]
    assert len(rows) == 4
    for row in rows:
        blind, adversarial = (values(kind, row["target"], row["judge"]) for kind in ("blind", "adversarial"))
        assert len(blind) == len(adversarial) == 3
        assert row["nulls"]["false_positive"] == pytest.approx(sum(blind) / 3)
        assert row["nulls"]["adversarial"] == pytest.approx(sum(adversarial) / 3)
    (verified,) = (
        row for row in document["summary"] if (row["target"], row["attack"], row["metric"]) == ("snn", "v3", "verified")
    )
    assert set(verified["nulls"]) == {"noise", "black", "class_mean", "real", "false_positive", "adversarial"}


def test_no_two_networks_share_their_seed(finished: Path) -> None:
    paths = sorted((finished / "networks").glob("seed*/*.pt"))
    seeds = {path: torch.load(path, weights_only=True)["seed"] for path in paths}
    assert len(paths) == 4 * 2 + 2 + 2 * 3  # of two seeds; the sweep's; shuffled and withheld ones
    assert len(set(seeds.values())) == len(paths)
    assert all(own == seed_of(int(path.parent.name[4:]), path.stem) for path, own in seeds.items())


def test_controls_are_trained_on_what_they_are_said_to_be(finished: Path) -> None:
    audit = tiny_audit()
    run = NetworkRun(audit, NetworkStore(finished / "networks", dict(audit.trainer)), audit.networks())
    data = {
        variant.name: run.store.path(0, variant.name)
        for variant in audit.controlled(audit.networks())
        if variant.is_control
    }
    assert set(data) == {
        f"{target}-{end}" for target in ("snn", "ann") for end in ("shuffled", "without-0", "without-1")
    }
    digests = {
        name: torch.load(path, weights_only=True)["data_digest"]
        for name, path in data.items()
        if name.startswith("snn")
    }
    assert digests == {
        "snn-shuffled": with_shuffled_labels(audit.data, seed_of(0, "snn-shuffled")).digest(),
        "snn-without-0": without_classes(audit.data, (0, 2)).digest(),
        "snn-without-1": without_classes(audit.data, (1,)).digest(),
    }


def test_every_cell_says_where_it_comes_from(document: dict[str, Any]) -> None:
    for cell in document["cells"]:
        found = cell["provenance"]
        assert found["version"] == document["repeat"]["versions"]["brainleaks_pl"]
        assert (found["torch"], found["threads"]) == (torch.__version__, 1)
        assert len(found["code"]) == 16
        assert found["data"] != ""
        assert set(found["judges"]) == {"spiking", "ordinary"}
    digests = {cell["provenance"]["target"] for cell in document["cells"]}
    # of each target two seeds, three controls; two variants of the sweep
    assert len(digests) == 2 * (2 + 3) + 2


def test_every_judge_has_its_own_nulls_the_same_beside_all_attacks_of_a_seed(document: dict[str, Any]) -> None:
    cells = [cell for cell in document["cells"] if cell["kind"] == "main" and cell["seed"] == 0]
    found = {name: [cell["judges"][name]["nulls"] for cell in cells] for name in ("spiking", "ordinary")}
    assert all(own == those[0] for those in found.values() for own in those)
    assert found["spiking"][0]["real"] != found["ordinary"][0]["real"]


def test_the_summary_is_the_mean_over_seeds_and_classes(document: dict[str, Any]) -> None:
    assert len(document["summary"]) == len(MAIN) * (2 * 4 + 5)
    for row in document["summary"]:
        cells = [
            cell
            for cell in document["cells"]
            if cell["kind"] == "main" and (cell["target"], cell["attack"]) == (row["target"], row["attack"])
        ]
        assert row["seeds"] == len(cells) == 2
        if row["judge"] is None:
            rows = [entry for cell in cells for entry in cell["similarity"]]
            identified = row["metric"] == "identified"
            values = [float(entry["rank"] == 1) if identified else entry[row["metric"]] for entry in rows]
        else:
            values = [entry[row["metric"]] for cell in cells for entry in cell["judges"][row["judge"]]["per_class"]]
            assert {"noise", "black", "class_mean", "real"} <= set(row["nulls"])
        assert row["mean"] == pytest.approx(sum(values) / len(values))
        assert row["low"] <= row["mean"] <= row["high"]


def test_differences_are_between_kinds_of_targets(document: dict[str, Any]) -> None:
    rows = {(row["attack"], row["judge"], row["metric"]): row for row in document["differences"]}
    judges = ("all judges", "spiking", "ordinary")
    assert set(rows) == {
        (a, j, m) for a in ("v3", "strongest") for j in judges for m in ("confidence", "attack_accuracy")
    }
    means = {(r["target"], r["attack"], r["judge"], r["metric"]): r["mean"] for r in document["summary"]}

    def reached(target: str, attack: str, judge: str, metric: str) -> float:
        """The mean of an attack by one judge; of the strongest, that which the other judge finds strongest."""
        if attack == "strongest":
            (other,) = {"spiking", "ordinary"} - {judge}
            fitting = [name for own, name in MAIN if own == target]
            attack = max(fitting, key=lambda name: means[target, name, other, "confidence"])
        return means[target, attack, judge, metric]

    for (attack, judge, metric), row in rows.items():
        names = judges[1:] if judge == "all judges" else [judge]
        one, other = (
            sum(reached(target, attack, name, metric) for name in names) / len(names) for target in ("snn", "ann")
        )
        assert row["difference"] == pytest.approx(one - other)
        assert row["difference"] == pytest.approx(sum(row["by_seed"]) / 2)
        assert row["difference"] == pytest.approx(sum(entry["difference"] for entry in row["by_class"]) / 3)
        assert row["shown"] == (row["low"] > 0 or row["high"] < 0)
    strongest = rows["strongest", "all judges", "confidence"]
    sentence = document["verdict"]["sentence"]
    assert f"{strongest['difference']:+.3f}" in sentence
    assert ("No difference is shown" in sentence) == (not strongest["shown"])


def test_curves_over_time_and_the_ceiling_have_their_lengths(document: dict[str, Any]) -> None:
    cell = document["cells"][0]
    for judge in ("spiking", "ordinary"):
        assert len(cell["measured"]["over_time"][judge]) == 4
    curves = document["measures"]["over_time"]
    seen = {(row["target"], row["attack"], row["judge"]) for row in curves}
    assert seen == {*((*pair, "spiking") for pair in MAIN), ("snn", "v1", "ordinary")}  # images have no time
    assert {len(row["confidence"]) for row in curves} == {4}
    assert document["measures"]["ceiling"]["at"] == 4
    assert 4 in document["measures"]["ceiling"]["time_steps"]
    assert {(row["target"], row["attack"]) for row in document["measures"]["ceiling"]["attacks"]} == MAIN
    assert set(document["measures"]["ceiling"]["attacks"][0]) == {"target", "attack", "ssim_class_mean", "ssim_nearest"}


def test_everything_needed_to_repeat_it_is_there(document: dict[str, Any], finished: Path) -> None:
    assert document["repeat"]["command"] == "brainleaks audit --config tiny.yaml"
    assert "toy digits" in document["repeat"]["config"]
    assert document["repeat"]["versions"]["torch"] == torch.__version__
    assert (finished / "results" / "audit.csv").read_text().startswith("kind,")
    page = html.unescape((finished / "results" / "report.html").read_text(encoding="utf-8"))
    assert document["verdict"]["sentence"] in page
    pictures = torch.load(finished / "results" / document["cells"][0]["folder"] / "pictures.pt", weights_only=True)
    assert {name: tuple(x.shape) for name, x in pictures.items()} == dict.fromkeys(
        ("reconstruction", "class_mean", "nearest"), (3, 1, 12, 12)
    )


def test_the_twins_are_trained_on_their_kind_of_data(finished: Path) -> None:
    stored = {
        name: torch.load(finished / "networks" / "seed0" / f"{name}.pt", weights_only=True)
        for name in ("snn", "ann", "ordinary", "snn-time_steps-2", "snn-beta-0.2")
    }
    steps = {name: content["time_steps"] for name, content in stored.items()}
    assert steps == {"snn": 4, "ann": None, "ordinary": None, "snn-time_steps-2": 2, "snn-beta-0.2": 4}
    assert stored["snn-beta-0.2"]["architecture"]["beta"] == 0.2


def test_every_finished_attack_is_a_run_in_tensorboard(document: dict[str, Any], finished: Path) -> None:
    logs = finished / "results" / "logs"
    runs = {str(path.parent.relative_to(logs)): path for path in logs.rglob("*tfevents*")}
    assert len(runs) == len(document["cells"])
    assert {f"{target}/{attack}/seed{seed}" for target, attack in MAIN for seed in (0, 1)} <= runs.keys()
    others = {"snn/v1-atan/seed0", "snn-shuffled/v3/seed0", "snn-beta-0.2/v3/seed0", "ann/adversarial/seed0"}
    assert others <= runs.keys()
    (cell,) = (
        cell for cell in document["cells"] if (cell["target"], cell["attack"], cell["seed"]) == ("ann", "mi_face", 1)
    )
    events = EventAccumulator(str(runs["ann/mi_face/seed1"].parent), {"images": 0})
    events.Reload()
    assert set(events.Tags()["scalars"]) == {f"score/{j}/{m}" for j in cell["judges"] for m in METRICS}
    (score,) = events.Scalars("score/ordinary/confidence")
    assert score.value == pytest.approx(cell["judges"]["ordinary"]["confidence"]["mean"])
    (picture,) = events.Images("reconstructions")
    folder = finished / "results" / cell["folder"]
    assert picture.encoded_image_string == (folder / "reconstructions.png").read_bytes()
    (table,) = events.Tensors("scores/text_summary")
    assert "null: real" in table.tensor_proto.string_val[0].decode()


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished, tmp_path / "copy")
    return tmp_path / "copy"


def test_nothing_finished_is_computed_again(
    copied: Path, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr("brainleaks_pl.audit.run.run_cell", never)
    monkeypatch.setattr("brainleaks_pl.audit.networks.train_network", never)
    results = copied / "results"
    sheet = rating_sheet(document, Gallery(document, results))
    answers = [{"item": item.key, "class": item.sources[0].label, "real": False} for item in sheet.items]
    ratings = {"format": RATINGS, "audit": sheet.digest, "answers": answers}
    (copied / "own.json").write_text(json.dumps(ratings))
    (copied / "other.json").write_text(json.dumps({**ratings, "audit": "0" * 64}))
    before = (results / "report.html").read_bytes()
    logged = {path: path.stat().st_ino for path in results.rglob("*tfevents*")}
    with pytest.raises(ValueError, match=r"other\.json are of another audit"):
        conduct(copied, ratings=[str(copied / "other.json")])
    assert (results / "report.html").read_bytes() == before

    again = conduct(copied, ratings=[str(copied / "own.json")])
    people = again.pop("people")
    assert timeless({**again, "people": None}) == timeless(document)
    assert {path: path.stat().st_ino for path in results.rglob("*tfevents*")} == logged
    assert {(row["target"], row["attack"]) for row in people["rows"]} == MAIN
    assert {row["recognised"] for row in [*people["rows"], people["real"]]} == {1.0}
    assert people["real"]["taken_for_real"] == 0.0
    page = (results / "report.html").read_text(encoding="utf-8")
    assert "What people see" in page
    assert f'data-audit="{sheet.digest}"' in page  # the answers still fit


def test_what_changed_is_run_again_and_no_more(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []
    run_cell = AuditRun._cell.__globals__["run_cell"]

    def counted(cell: Any, *arguments: Any, **settings: Any) -> Any:
        ran.append((cell.kind, cell.attack))
        return run_cell(cell, *arguments, **settings)

    monkeypatch.setattr("brainleaks_pl.audit.run.run_cell", counted)
    settings = {"data": "toy digits", "attacks": {"v1": {"class_path": "BrainLeaksV1", "init_args": {"steps": 4}}}}
    attacks = {**tiny_audit().attacks, "v1": partial(BrainLeaksV1, steps=4)}
    logs = copied / "results" / "logs"
    shutil.rmtree(logs / "ann")
    before = {path: path.stat().st_ino for path in logs.rglob("*tfevents*")}
    conduct(copied, tiny_audit(attacks=attacks, settings=settings))
    after = {path: path.stat().st_ino for path in logs.rglob("*tfevents*")}
    new = {str(path.parent.relative_to(logs)) for path, node in after.items() if before.get(path) != node}
    assert after.keys() == before.keys() | {path for path in after if path.is_relative_to(logs / "ann")}
    assert sorted(name for name in new if not name.startswith("ann/")) == [
        "snn/adversarial/seed0", "snn/v1-atan/seed0", "snn/v1/seed0", "snn/v1/seed1"
    ]  # fmt: skip
    assert sorted(ran) == [("adversarial", "adversarial")] * 2 + [("main", "v1"), ("main", "v1"), ("surrogate", "v1")]


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({"gradients": 40}, ALL_KINDS - {"adversarial"}),
        ({"scoring": Scoring(draws=2, null_draws=2)}, ALL_KINDS),
        ({"measures": {**MEASURES, "masking": Masking(["v1"], {"atan": ATan(3.0)})}}, {"surrogate"}),
        ({"controls": Controls(groups=2, attacks=["v3"], eps=0.2)}, {"adversarial"}),
        ({"measures": {**MEASURES, "sweep": Sweep("snn", ["v3"], {"beta": [0.2]})}}, set()),
        ({"measures": {**MEASURES, "over_time": None}}, set()),
        ({"scoring": Scoring(draws=3, null_draws=2, least_accuracy=0.9)}, set()),
        ({"attacks": {**tiny_audit().attacks, "mi_face": partial(MIFace, steps=20, patience=5)}}, {"main"}),
        ({"attacks": OTHER_LOSS}, ALL_KINDS - {"adversarial", "surrogate"}),
        ({"judges": {"spiking": tiny_audit().judges["spiking"]}}, ALL_KINDS),
    ],
)
def test_cells_are_known_by_their_budget_scoring_surrogate_and_controls(
    finished: Path, changes: dict[str, Any], kinds: set[str]
) -> None:
    audit = tiny_audit(**changes)
    run = AuditRun(audit, NetworkStore(finished / "networks", dict(audit.trainer)), finished / "results", print)
    anew = {cell.kind for cell in run.plan if not run._is_kept(cell.seed, ("attack", cell))}
    assert anew == kinds


def test_a_judge_that_recognises_too_little_has_no_part_in_verdict_and_control(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = {"spiking": "recognises .42 of the real test data"}
    monkeypatch.setattr("brainleaks_pl.audit.document.judges_that_do_not_count", lambda *_: reason)
    found = conduct(copied)
    assert {cell["status"] for cell in found["cells"]} == {"done"}
    assert {row["judge"] for row in found["differences"]} == {row["judge"] for row in found["control"]} == {"ordinary"}
    assert [found["judges"][name]["counts"] for name in ("spiking", "ordinary")] == [False, True]
    assert found["judges"]["spiking"]["why_not"] == reason["spiking"]
    words = "spiking recognises .42 of the real test data: it has no part in the verdict and the differences."
    assert words in found["warnings"]
    assert {row["judge"] for row in found["summary"]} == {
        "spiking",
        "ordinary",
        None,
    }  # they are told


def masking(*arguments: Any) -> dict[str, Any]:
    return {"measures": {"masking": Masking(*arguments)}}


def sweep(*arguments: Any) -> dict[str, Any]:
    return {"measures": {"sweep": Sweep(*arguments)}}


def reports(folder: Path) -> dict[str, bytes]:
    return {name: (folder / "results" / name).read_bytes() for name in ("audit.json", "audit.csv", "report.html")}


def test_a_run_that_fails_altogether_replaces_no_good_report(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def luckless(*_: Any, **__: Any) -> None:
        raise RuntimeError("out of luck")

    monkeypatch.setattr("brainleaks_pl.audit.run.run_cell", luckless)
    others = tiny_audit(
        scoring=Scoring(draws=4, null_draws=2),
        measures={},
        controls=NO_CONTROLS,
        seeds=[0],
    )
    before, lines = reports(copied), list[str]()
    failed = conduct(copied, others, lines.append)
    assert exit_status(failed) == 4
    assert {cell["status"] for cell in failed["cells"]} == {"failed"}
    assert reports(copied) == before
    assert lines[-1] == f"All attacks failed: the earlier report in {copied / 'results'} is left as it is."
    for damaged in ("{", '{"cells": [{"status": "failed"}]}'):
        (copied / "results" / "audit.json").write_text(damaged)
        conduct(copied, others, lines.append)
        assert timeless(json.loads((copied / "results" / "audit.json").read_text())) == timeless(failed)
        assert reports(copied)["report.html"] != before["report.html"]


def test_scores_that_are_no_numbers_are_a_failure(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = copied / "results" / "cells" / "seed0-snn-v1" / "cell.json"
    content = json.loads(kept.read_text())
    content["cell"]["judges"]["spiking"]["per_class"][1]["confidence"] = float("nan")
    kept.write_text(json.dumps(content))
    sound = content["cell"] | {"judges": {}}
    ran = []

    def diverging(cell: Any, *_: Any, **__: Any) -> dict[str, Any]:
        ran.append(cell.name)
        return {**sound, "similarity": [{"class": 0, "ssim_nearest": float("inf")}]}

    monkeypatch.setattr("brainleaks_pl.audit.run.run_cell", diverging)
    found = conduct(copied, tiny_audit(seeds=[0], measures={}, controls=NO_CONTROLS))
    assert ran == ["seed0-snn-v1"]  # stored with such scores it counts as not finished
    (failed,) = (cell for cell in found["cells"] if cell["status"] == "failed")
    assert failed["error"].startswith("ValueError: cell.similarity[0].ssim_nearest is inf, which is no result")
    assert failed["similarity"] == []
    assert exit_status(found) == 3


def test_networks_that_were_trained_otherwise_are_refused_and_kept(copied: Path) -> None:
    before = (copied / "networks" / "seed0" / "ann.pt").read_bytes()
    longer = network(MLP, training=Training(lr=0.02, epochs=4, batch_size=15))
    found = conduct(copied, tiny_audit(targets={**tiny_audit().targets, "ann": longer}, seeds=[0]))
    failed = [cell for cell in found["cells"] if cell["status"] == "failed"]
    assert {cell["target"] for cell in failed} == {"ann"}
    assert "was trained otherwise" in failed[0]["error"]
    assert (copied / "networks" / "seed0" / "ann.pt").read_bytes() == before


class Breaks(BrainLeaksV3):
    def sample(self, step: int) -> Tensor:
        raise RuntimeError("out of luck")


def test_a_cell_that_fails_is_reported_and_the_rest_go_on(tmp_path: Path) -> None:
    lines: list[str] = []
    attacks = {"broken": partial(Breaks, steps=10), "mi_face": partial(MIFace, steps=20)}
    judges = {"ordinary": network(MLP)}
    few = {
        "seeds": [0],
        "measures": {},
        "controls": NO_CONTROLS,
        "attacks": attacks,
        "judges": judges,
    }
    found = conduct(tmp_path, tiny_audit(**few), lines.append)
    status = {(cell["target"], cell["attack"]): (cell["status"], cell["error"]) for cell in found["cells"]}
    assert status["snn", "broken"] == status["ann", "broken"] == ("failed", "RuntimeError: out of luck")
    assert status["ann", "mi_face"] == ("done", None)
    assert found["verdict"]["remarks"][0].startswith("mi_face departs from MIFace as published for MNIST: steps 20 (")
    assert found["verdict"]["details"] == []
    assert found["verdict"]["sentence"].startswith("No verdict on snn and ann: no attack on each has finished")
    assert found["warnings"][0] == "2 of 3 attacks failed; their errors are listed at the end."
    assert any("FAILED: RuntimeError: out of luck" in line for line in lines)
    assert lines[0].startswith("[1/6] fit snn, seed 0: ")
    assert lines[-1].endswith("(done)")
    lines.clear()
    mended = {**attacks, "broken": partial(BrainLeaksV3, steps=10)}
    repaired = conduct(tmp_path, tiny_audit(**{**few, "attacks": mended}), lines.append)
    assert all(cell["status"] == "done" for cell in repaired["cells"])  # a failure is no result
    assert (exit_status(found), exit_status(repaired)) == (3, 0)
    assert [line.split(": ")[1].startswith("done before (") for line in lines] == [True] * 3 + [False, False, True]
    assert lines[2].endswith("left)")  # what is there from before says how long the like of it takes
    assert re.search(r": \d+ s \(about 0 s left\)$", lines[-2])  # and takes no time itself


def test_a_sweep_over_an_argument_that_is_a_list(tmp_path: Path) -> None:
    small = partial(SpikingCNN, (1, 12, 12), 3, channels=(2, 4), kernel=3)
    cnn = partial(Classifier, small, training=Training(epochs=1))
    few: dict[str, Any] = {
        "targets": {"snn": cnn},
        "seeds": [0],
        "measures": {"sweep": Sweep("snn", ["v3"], {"channels": [[3, 4], [2, 2]]})},
        "controls": NO_CONTROLS,
    }
    few |= {"attacks": {"v3": partial(BrainLeaksV3, steps=10)}, "judges": {"ordinary": network(MLP)}}
    found = conduct(
        tmp_path,
        tiny_audit(**few, checks=Checks(refuse=False)),
    )
    assert [row["value"] for row in written(tmp_path)["measures"]["sweep"]] == [[2, 2], [2, 4], [3, 4]]
    assert [cell["status"] for cell in found["cells"]] == ["done"] * 3
    assert (tmp_path / "networks" / "seed0" / "snn-channels-3x4.pt").is_file()


class Untrainable(Classifier):
    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        raise RuntimeError("no gradient today")


def test_a_network_that_cannot_be_trained_takes_its_cells_with_it(tmp_path: Path) -> None:
    few: dict[str, Any] = {"seeds": [0], "measures": {}, "controls": NO_CONTROLS}
    audit = tiny_audit(**few, targets={**tiny_audit().targets, "ann": network(MLP, wrapper=Untrainable)})
    found = conduct(tmp_path, audit)
    failed = {(cell["target"], cell["attack"]) for cell in found["cells"] if cell["status"] == "failed"}
    assert failed == {("ann", "v3"), ("ann", "mi_face")}
    assert found["targets"]["ann"]["test_accuracy"] == [None]
    assert found["targets"]["ann"]["errors"] == {"0": "RuntimeError: no gradient today"}
    assert "ann, seed 0, cannot be used: RuntimeError: no gradient today" in found["warnings"]


@pytest.mark.parametrize(
    ("statuses", "errors", "status"),
    [
        (["done", "untestable"], {}, 0),
        (["done", "failed"], {}, 3),
        (["done", "done"], {"0": "no gradient today"}, 3),
        (["failed", "failed"], {"0": "no gradient today"}, 4),
        (["failed", "untestable"], {}, 4),
    ],
)
def test_the_exit_status_says_what_failed(statuses: list[str], errors: dict[str, str], status: int) -> None:
    networks = {"targets": {"snn": {"errors": {}}}, "judges": {"cnn": {"errors": errors}}}
    assert exit_status({"cells": [{"status": each} for each in statuses], "runs": [], **networks}) == status
    cells = [{"status": "done"}] if status < 4 else []
    assert exit_status({"cells": cells, "runs": [{"status": each} for each in statuses], **networks}) == status


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": []}, "seeds must be at least one number, all distinct and not negative, got []"),
        ({"seeds": [1, 1]}, r"got \[1, 1\]"),
        ({"attacks": {}}, "an audit needs attacks: the config names none"),
        ({"judges": {"snn": network(MLP)}}, "snn is both: rename one"),
        ({"gradients": 9}, "BrainLeaksV3 takes 10 gradients per class, more than the budget of 9"),
        (
            {
                "targets": {"ann": network(MLP)},
                "measures": {},
                "controls": NO_CONTROLS,
            },
            "the attack v1 fits none of the targets ann",
        ),
        ({"controls": Controls(attacks=["v8"])}, "controls.attacks names 'v8', which is not among v1, v3, mi_face"),
        (masking(["v9"]), "measures.masking: attacks names 'v9', which is not among v1, v3, mi_face"),
        (masking(["v1"], {"a b": ATan()}), "measures.masking: surrogates has a name that no file can have, 'a b'"),
        (sweep("snn", ["v3"], {}, [7]), "measures.sweep: seeds names 7, which is not among 0, 1"),
        (sweep(None, [], {"beta": [0.1]}), "measures.sweep: values without target"),
        (sweep("snn", ["v3"], {"beta": [0.1, 0.1]}), r"measures.sweep: values gives beta a value twice: \[0.1, 0.1\]"),
        (sweep("snn", ["v3"], {"beta": [[[1]]]}), r"lists of them, got \[\[1\]\] for beta"),
        ({"measures": {"inversion": Masking()}}, "measures.inversion cannot be set"),
        (
            {"measures": {"masks": None}},
            "measures.masks is null, which leaves out a standard measure: these are ",
        ),
        (
            {"measures": {"ceiling": EncodingCeiling([0])}},
            r"measures.ceiling: time_steps and .* got \[0\] and 100",
        ),
    ],
)
def test_audits_that_make_no_sense_are_refused_before_anything_runs(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message.replace("[]", r"\[\]")):
        conduct(tmp_path, tiny_audit(**changes))
    assert not list(tmp_path.iterdir())


def test_killed_at_random_it_goes_on_to_the_same_end(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # where killed runs leave what they were about
    context, dice = multiprocessing.get_context("fork"), random.Random(0)
    undisturbed, kills = written(finished), 0
    while kills < 10 or not (tmp_path / "results" / "audit.json").exists():
        if (tmp_path / "results" / "audit.json").exists():
            shutil.rmtree(tmp_path / "results")  # again from its networks on
        process = context.Process(target=work, args=(str(tmp_path),))
        process.start()
        process.join(dice.uniform(0.2, 1.5) if kills < 10 else None)
        if process.is_alive():
            kills += 1
            process.kill()
            process.join()
    assert written(tmp_path) == undisturbed
    assert not [path for path in tmp_path.rglob(".*") if path.is_file()]


@pytest.mark.parametrize(("changes", "asked"), [({"queries": 70, "gradients": 0}, 210), ({"queries": 70}, 70), ({}, 0)])
def test_answers_that_classes_share_are_counted_once(changes: dict[str, int], asked: int) -> None:
    assert _queries(made_cell("snn", "pen", 0, {"j": [0.5] * 3}, **changes)) == asked
