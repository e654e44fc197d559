"""Settings of training a network; every model of torch reads them."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from cowalk.types import Settings

Optimizer = Literal["adam", "adagrad", "sgd"]
Precision = Literal["32", "16-mixed", "bf16-mixed"]


def _devices(value: int | str) -> int | str:
    if value != "auto" and not (isinstance(value, int) and value >= 1):
        raise ValueError("input should be a whole number from 1, or auto")
    return value


class TrainSettings(Settings):
    """How a network is trained; read by the engines that need torch (extra deep)."""

    epochs: int = Field(20, ge=1, description="Passes over the examples at most.")
    batch_size: int = Field(1024, ge=2, description="Examples of a step.")
    optimizer: Optimizer = Field("adam", description="What moves the weights.")
    learning_rate: float = Field(0.005, gt=0, description="Step size of the optimizer.")
    weight_decay: float = Field(0.0, ge=0, description="Penalty on squared weights; none on tables of rows.")
    sparse: bool = Field(
        False, description="Tables of rows get sparse gradients: worth it where rows are many millions."
    )
    patience: int = Field(
        3, ge=0, description="Epochs without a better validation figure before training stops; 0 = never."
    )
    validation: int = Field(
        2000, ge=0, description="Examples held out for the validation figure, at most; 0 = no figure."
    )
    accelerator: Literal["auto", "cpu", "gpu", "mps"] = Field(
        "auto", description="What computes; auto = a GPU where there is one."
    )
    devices: Annotated[int | str, AfterValidator(_devices)] = Field(
        1, description="How many devices compute, each a batch of a step; auto = all GPUs that are there."
    )
    strategy: Literal["auto", "ddp_spawn", "ddp"] = Field(
        "auto", description="How several devices start: ddp_spawn (auto) = processes of this one; ddp = the "
        "script again for each, or by torchrun.",
    )  # fmt: skip
    precision: Precision = Field("32", description="Numbers of the network: 32 bits, or 16 where safe.")
    logger: Literal["none", "csv", "tensorboard"] = Field(
        "none", description="Where losses and figures are written, epoch by epoch."
    )
    log_folder: str = Field("logs", description="Folder of the logger's files.")
