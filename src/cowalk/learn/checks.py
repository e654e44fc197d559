"""Settings of learning that do not go together, told before anything is read."""

from __future__ import annotations

from cowalk.errors import UsageError
from cowalk.learn.settings import LearnSettings


def check_settings(settings: LearnSettings, stage: str = "learn") -> None:
    """UsageError in one line for the first settings that do not go together, called `stage`.name."""
    s = settings
    if s.architecture == "cbow" and s.input == "weighted":
        raise UsageError(
            f"{stage}.architecture=cbow mixes many items into one input, so it learns no weights of an item: "
            f"set {stage}.input=mean or own"
        )
    if s.cbow_gradient == "word2vec" and s.architecture != "cbow":
        raise UsageError(f"{stage}.cbow_gradient belongs to cbow: set {stage}.architecture=cbow")
    for name in ("negatives", "mask_positives", "self_adversarial"):
        if (
            s.objective != "negative-sampling"
            and getattr(s, name) != LearnSettings.model_fields[name].default
        ):
            raise UsageError(
                f"{stage}.{name} is about negatives, and {stage}.objective={s.objective} draws none: "
                f"set {stage}.objective=negative-sampling"
            )
    if s.pairs == "set" and s.contexts == "forward":
        raise UsageError(f"{stage}.pairs=set has no order, so no contexts=forward: set symmetric")
    for name in ("pairs", "weigh_events", "time_scale", "bought_context"):
        value = getattr(s, name)
        if s.sequences == "walks" and value != LearnSettings.model_fields[name].default:
            raise UsageError(
                f"{stage}.{name}={str(value).lower()} is about sessions, and walks are read: "
                f"set {stage}.sequences=sessions"
            )


def check_source(settings: LearnSettings, on_graph: bool) -> None:
    """As `check_settings`, for the source at hand."""
    sequences = "walks" if on_graph else "sessions"
    check_settings(settings.model_copy(update={"sequences": sequences}))
