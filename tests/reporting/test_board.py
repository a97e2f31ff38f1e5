"""What TensorBoard is told of an attack beside its pictures."""

from __future__ import annotations

from brainleaks_pl.reporting.board import settings_of


def test_settings_have_the_names_that_the_command_line_has_for_them() -> None:
    encoder = {"class_path": "brainleaks_pl.RateEncoder", "init_args": {"time_steps": 25}}
    optimizer = {"class_path": "torch.optim.SGD", "init_args": {"lr": 0.01, "foreach": None, "nesterov": False}}
    further = {"classes": [3, 8], "keep": "best", "seed": None, "own": {"deep": True}}
    arguments = {"optimizer": optimizer, "encoder": encoder, **further}
    assert settings_of("attack", {"class_path": "own.GreedyV1", "init_args": arguments}) == {
        "attack": "GreedyV1",
        "attack.optimizer": "SGD",
        "attack.optimizer.lr": 0.01,
        "attack.encoder": "RateEncoder",
        "attack.encoder.time_steps": 25,
        "attack.classes": "[3, 8]",
        "attack.keep": "best",
        "attack.own.deep": "true",
    }
    assert settings_of("attack", {"class_path": "own.GreedyV1"}) == {"attack": "GreedyV1"}
