"""GET /health, /ready, /version and /metrics: how the service is."""

from __future__ import annotations

import cowalk
from cowalk.serve import schemas as s
from cowalk.serve.operations import Call, Operation, Reply


async def health(call: Call) -> s.Health:
    """The process runs and answers."""
    return s.Health()


async def ready(call: Call) -> s.Ready:
    """A model answers; refused tells of a newer one that cannot, degraded that the store is away."""
    return s.Ready(True, call.state.version, call.service.store.degraded, call.service.refused)


async def version(call: Call) -> s.Version:
    """What answers: the program, the model, its size and its fields."""
    model = call.state.model
    return s.Version(
        cowalk=cowalk.__version__,
        model=call.state.version,
        recipe=model.recipe.name,
        items=len(model.vocab),
        vector_size=int(model.learned.vectors.shape[1]),
        fields=[] if model.side_info is None else model.side_info.names,
        created=model.manifest.get("created"),
        fingerprint=model.vocab.fingerprint,
        seconds=call.service.up_for,
    )


async def metrics(call: Call) -> Reply:
    """Everything that is counted, as Prometheus reads it."""
    return Reply(call.service.metrics_text(), "text/plain; version=0.0.4; charset=utf-8")


OPERATIONS = [
    Operation("GET", "/health", "Does it run?", health, s.Health),
    Operation("GET", "/ready", "Does it answer?", ready, s.Ready),
    Operation("GET", "/version", "What answers?", version, s.Version),
    Operation("GET", "/metrics", "What Prometheus reads", metrics, str),
]
