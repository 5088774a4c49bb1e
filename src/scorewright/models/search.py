"""Which parameters to try next, and which of them mattered. With `studies`, the only home of optuna."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scorewright.domain.evaluation import Trial

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import optuna
    from optuna.distributions import BaseDistribution

    from scorewright.domain.evaluation import TrialState
    from scorewright.models.seam import Candidate, Parameters, ParameterValue

_FEWEST_FOR_IMPORTANCES = 4


@dataclass(frozen=True)
class Proposal:
    """Parameters to try.

    Parameters
    ----------
    number : int
        Number of the trial, from 0.
    drawn : mapping
        What was drawn, by name, as optuna has it.
    space : mapping
        Where each was drawn from.
    parameters : mapping
        All the parameters that follow, defaults included.
    """

    number: int
    drawn: Mapping[str, Any]
    space: Mapping[str, BaseDistribution]
    parameters: Parameters


@dataclass(frozen=True)
class Attempt:
    """What came of a proposal.

    Parameters
    ----------
    proposal : Proposal
        What was tried.
    parameters : mapping
        All the parameters as they were used: what learning itself found is filled in.
    values : tuple of float
        The objective after each fold scored.
    state : str
        How it ended.
    seconds : float
        How long it took.
    elapsed : float
        Seconds that the study had lasted when it ended.
    reason : str
        Why it failed.
    """

    proposal: Proposal
    parameters: Parameters
    values: tuple[float, ...]
    state: TrialState
    seconds: float = 0.0
    elapsed: float = 0.0
    reason: str = ""

    @property
    def number(self) -> int:
        """Number of the trial."""
        return self.proposal.number

    @property
    def trial(self) -> Trial:
        """What is worth keeping."""
        reached = self.values[-1] if self.values and self.state != "failed" else float("nan")
        return Trial(self.number, dict(self.parameters), reached, self.state, self.seconds)


def propose(candidate: Candidate, earlier: Sequence[Attempt], numbers: range, seed: int) -> tuple[Proposal, ...]:
    """Propose the parameters of a batch of trials: the defaults as the very first, then tree-structured Parzen.

    The sampler is seeded for the batch and sees only the batches before it, in the order of their numbers: what is
    proposed is the same however the search came here. Within a batch, the trials already proposed count as bad ones
    (the "constant liar"), so that they differ.

    Parameters
    ----------
    candidate : Candidate
        Whose search space it is.
    earlier : sequence of Attempt
        All the trials of the batches before, by number.
    numbers : range
        Numbers of the batch's trials.
    seed : int
        Seed of the search.

    References
    ----------
    Bergstra et al. 2011, *Algorithms for hyper-parameter optimization*; Ginsbourger et al. 2010, *Kriging is
    well-suited to parallelize optimization*, for the constant liar.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    own_seed = int(np.random.SeedSequence([seed, numbers.start]).generate_state(1)[0])
    sampler = optuna.samplers.TPESampler(seed=own_seed, multivariate=True, constant_liar=True)
    study = _study(earlier, sampler)
    if numbers.start == 0:
        study.enqueue_trial(_fixed(candidate).params)
    return tuple(_proposal(candidate, number, study.ask()) for number in numbers)


def search_space(candidate: Candidate) -> dict[str, str]:
    """Describe, for each parameter, where it is drawn from."""
    from optuna.distributions import distribution_to_json

    return {name: distribution_to_json(space) for name, space in _fixed(candidate).distributions.items()}


def importances(attempts: Sequence[Attempt]) -> dict[str, float]:
    """Share out among the parameters how much they tell the best tenth of the trials from the others; they sum to 1.

    Empty where fewer than four trials ran to their end, or where nothing tells them apart.

    References
    ----------
    Watanabe et al. 2023, *PED-ANOVA: Efficiently quantifying hyperparameter importance in arbitrary subspaces*.
    """
    import optuna

    complete = [attempt for attempt in attempts if attempt.state == "complete"]
    if len(complete) < _FEWEST_FOR_IMPORTANCES or len({attempt.values[-1] for attempt in complete}) == 1:
        return {}
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    found = optuna.importance.get_param_importances(_study(complete), evaluator=evaluator)
    return {name: float(value) for name, value in found.items()} if np.isfinite(list(found.values())).all() else {}


def frozen(attempt: Attempt) -> optuna.trial.FrozenTrial:
    """Write an attempt as an optuna trial."""
    from optuna.trial import TrialState, create_trial

    states = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
    return create_trial(
        state=states[attempt.state],
        value=None if attempt.state == "failed" else attempt.values[-1],
        params=dict(attempt.proposal.drawn),
        distributions=dict(attempt.proposal.space),
        intermediate_values=dict(enumerate(attempt.values)),
        user_attrs={
            "number": attempt.number,
            "proposed": dict(attempt.proposal.parameters),
            "parameters": dict(attempt.parameters),
            "state": attempt.state,
            "seconds": attempt.seconds,
            "elapsed": attempt.elapsed,
            "reason": attempt.reason,
        },
    )


def thawed(trial: optuna.trial.FrozenTrial) -> Attempt:
    """Read an attempt from the trial that `frozen` wrote. Raises ``KeyError`` or ``ValueError`` for any other."""
    kept = trial.user_attrs
    state = kept["state"]
    values = tuple(value for _, value in sorted(trial.intermediate_values.items()))
    if state not in ("complete", "pruned", "failed") or not (values or state == "failed"):
        raise ValueError("not a trial of Scorewright")
    return Attempt(
        proposal=Proposal(int(kept["number"]), trial.params, trial.distributions, kept["proposed"]),
        parameters=kept["parameters"],
        values=values,
        state=state,
        seconds=float(kept["seconds"]),
        elapsed=float(kept["elapsed"]),
        reason=str(kept["reason"]),
    )


def plain(parameters: Mapping[str, Any]) -> dict[str, ParameterValue]:
    """Turn NumPy's numbers into Python's, which JSON gives back as they were."""
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in parameters.items()}


def _study(attempts: Sequence[Attempt], sampler: optuna.samplers.BaseSampler | None = None) -> optuna.Study:
    import optuna

    study = optuna.create_study(sampler=sampler or optuna.samplers.RandomSampler(seed=0))
    study.add_trials([frozen(attempt) for attempt in attempts])
    return study


def _fixed(candidate: Candidate) -> optuna.trial.FixedTrial:
    from optuna.trial import FixedTrial

    fixed = FixedTrial(candidate.defaults())
    candidate.suggest(fixed)
    return fixed


def _proposal(candidate: Candidate, number: int, trial: optuna.Trial) -> Proposal:
    parameters = plain({**candidate.defaults(), **candidate.suggest(trial)})
    return Proposal(number, plain(trial.params), trial.distributions, parameters)
