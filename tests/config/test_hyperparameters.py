from __future__ import annotations

import json

import pytest

from drcli.config.hyperparameters import Hyperparameters
from drcli.errors import UsageError
from drcli.paths import defaults_dir


def test_what_is_missing_has_the_engines_defaults() -> None:
    found = Hyperparameters.parse("{}", "h.json")
    assert (found.batch_size, found.num_epochs, found.lr, found.discount_factor) == (64, 10, 0.0003, 0.999)
    assert (found.loss_type, found.num_steps_between_training) == ("mean squared error", None)
    assert found.warnings == ()


def test_the_template_has_no_warnings() -> None:
    path = defaults_dir() / "custom_files" / "hyperparameters.json"
    found = Hyperparameters.parse(path.read_bytes(), path.name)
    assert found.warnings == ()
    assert found.num_steps_between_training == 256


def test_numbers_may_be_texts_and_words_in_any_case() -> None:
    found = Hyperparameters.parse('{"lr": "0.0003", "batch_size": "128", "loss_type": "Huber"}', "h.json")
    assert (found.lr, found.batch_size, found.loss_type) == (0.0003, 128, "huber")


def test_unknown_keys_are_kept_and_named() -> None:
    found = Hyperparameters.parse('{\n"num_epoch": 3,\n"kl": "x"\n}', "h.json")
    assert found.warnings == (
        "h.json:2: num_epoch is not a hyperparameter; it has no effect; did you mean num_epochs?",
        "h.json:3: kl is not a hyperparameter; it has no effect",
    )
    assert found.resolved()["kl"] == "x"


@pytest.mark.parametrize(
    "pair",
    [
        '"batch_size": 0',
        '"batch_size": 1.5',
        '"batch_size": true',
        '"batch_size": null',
        '"num_epochs": "many"',
        '"lr": 0',
        '"lr": -1e-3',
        '"lr": 1e999',
        '"discount_factor": 1.1',
        '"beta_entropy": -0.1',
        '"e_greedy_value": 2',
        '"loss_type": "mse"',
        '"exploration_type": 3',
        '"num_steps_between_training": 0',
        '"term_cond_max_episodes": 0',
        '"stack_size": []',
    ],
)
def test_wrong_values_show_their_line(pair: str) -> None:
    with pytest.raises(UsageError) as caught:
        Hyperparameters.parse(f'{{\n"epsilon_steps": 1,\n{pair}\n}}', "h.json")
    key = pair.partition(":")[0].strip('"')
    assert caught.value.message.startswith(f"h.json:3: {key} is ")


def test_exploration_of_another_engine_is_no_mistake() -> None:
    """SAC's, in one real file of five: what an algorithm can do with it is for its engine to say."""
    found = Hyperparameters.parse('{"exploration_type": "Additive_noise"}', "h.json")
    assert (found.exploration_type, found.warnings) == ("additive_noise", ())


def test_a_stack_of_images_has_no_effect() -> None:
    """As in the community's engine, which echoes the key and always stacks one image."""
    assert Hyperparameters.parse('{"stack_size": 1}', "h.json").warnings == ()
    (said,) = Hyperparameters.parse('{\n"stack_size": 3}', "h.json").warnings
    assert said == "h.json:2: stack_size 3 has no effect: networks see one image"


def test_exploration_that_nobody_knows_is_named() -> None:
    found = Hyperparameters.parse('{\n"exploration_type": "e_greedy"\n}', "h.json")
    assert found.warnings == ("h.json:2: exploration_type e_greedy is unknown; did you mean e-greedy?",)


def test_all_wrong_values_are_shown() -> None:
    with pytest.raises(UsageError, match=r"2 problems") as caught:
        Hyperparameters.parse('{"lr": 0, "loss_type": "hubert"}', "h.json")
    assert "did you mean huber?" in caught.value.message


@pytest.mark.parametrize("text", ["[]", "3", '"x"', "null"])
def test_not_an_object(text: str) -> None:
    with pytest.raises(UsageError, match=r"h\.json:1: expected an object"):
        Hyperparameters.parse(text, "h.json")


def test_resolved_holds_what_the_algorithm_uses() -> None:
    found = Hyperparameters.parse("{}", "h.json")
    ppo, sac = found.resolved(), found.resolved("sac")
    assert {"num_epochs", "beta_entropy"} <= ppo.keys()
    assert "sac_alpha" in sac
    assert ppo.keys() - sac.keys() == {"num_epochs", "beta_entropy"}
    assert sac.keys() - ppo.keys() == {"sac_alpha", "sac_updates_per_step", "sac_replay_size"}
    assert "num_steps_between_training" not in ppo
    assert Hyperparameters.parse(json.dumps(ppo), "h.json").resolved() == ppo
    assert found.resolved("another package's").keys() == ppo.keys() | sac.keys()


def test_exploration_that_nothing_uses_is_named() -> None:
    """Files of other engines list all keys: their usual values are not worth a word."""
    usual = '"exploration_type": "categorical", "e_greedy_value": 0.05, "epsilon_steps": 10000'
    assert Hyperparameters.parse(f"{{{usual}}}", "h.json").without_effect("clipped_ppo") == ()
    changed = Hyperparameters.parse('{"epsilon_steps": 500}', "h.json")
    assert changed.without_effect("clipped_ppo") == (
        "h.json:1: epsilon_steps has no effect without exploration_type e-greedy",
    )
    assert changed.without_effect("sac") == ("h.json:1: epsilon_steps has no effect on sac",)
    greedy = Hyperparameters.parse('{"exploration_type": "e-greedy", "epsilon_steps": 500}', "h.json")
    assert greedy.without_effect("clipped_ppo") == ()
    assert greedy.without_effect("clipped_ppo", is_continuous=True) == (
        "h.json:1: exploration_type has no effect on continuous actions, whose noise explores",
    )


def test_what_guided_training_does_not_use_is_named_unless_it_is_what_dr_init_writes() -> None:
    written = (defaults_dir() / "custom_files" / "hyperparameters.json").read_text()
    assert Hyperparameters.parse(written, "h.json").without_effect("clipped_ppo", is_guided=True) == ()
    changed = Hyperparameters.parse('{"num_epochs": 4,\n"exploration_type": "e-greedy"}', "h.json")
    assert changed.without_effect("clipped_ppo") == ()
    assert changed.without_effect("clipped_ppo", is_guided=True) == (
        "h.json:1: num_epochs has no effect in guided training (DR_TRAIN_METHOD)",
        "h.json:2: exploration_type has no effect in guided training (DR_TRAIN_METHOD)",
    )
