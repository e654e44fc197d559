"""Settings of Hema: item and attribute ids learned together."""

from typing import Literal

from pydantic import Field

from cowalk.types import Settings


class HemaSettings(Settings):
    """Item and attribute ids learned together (Zhao et al. 2018); read where engine = "hema"."""

    sequences: Literal["walks", "sessions"] = Field(
        "sessions", description="What is read: walks over the graph, or sessions."
    )
    vector_size: int = Field(100, ge=1, description="Dimension m_1 of item vectors.")
    field_size: int = Field(20, ge=1, description="Dimension m_k of the rows of every field's values.")
    dims: dict[str, int] = Field(
        default_factory=dict, description="Other dimensions by field name, as brand = 10."
    )
    window: int = Field(4, ge=1, description="C: largest distance between an item and its context.")
    negative: int = Field(2, ge=1, description="S: negatives per pair, log-uniform over frequency rank.")
    alpha: float = Field(1.0, ge=0, description="Weight of the structural constraint, once per position.")
    structure_negative: int = Field(
        10, ge=0, description="Attribute sets of other items that each item is told from; 0 = the paper."
    )
    beta: float = Field(0.01, ge=0, description="Weight of the transfer matrices' squared Frobenius norm.")
    epochs: int = Field(5, ge=1, description="Passes over the sequences.")
    batch: int = Field(128, ge=1, description="Positions whose mean gradient makes one step.")
    step: float = Field(0.02, gt=0, description="Step size of Adam at the start.")
    min_step: float = Field(
        0.0001, ge=0, le=1, description="Share of the step that is left at the end (linear decay)."
    )
    epsilon: float = Field(
        1e-15,
        gt=0,
        description="Adam's epsilon: far below w_ik w_jk, else rows of frequent values stand still.",
    )
    decay: float = Field(
        0.01,
        ge=0,
        description="Decoupled decay of rows: a step of size s first takes the share s * decay away.",
    )
    step_power: float = Field(
        0.5,
        ge=0,
        description="Rows of a value that V items have step V ** step_power times as far; 0 = all alike.",
    )
