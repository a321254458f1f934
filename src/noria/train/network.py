"""A PyTorch module that learns by mini-batches from features on disk, alone or with its share of the rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator

from noria.errors import UserCodeFailed
from noria.model.torch import output, torch

Loss = Callable[[Any, Any], Any]


@dataclass(frozen=True, slots=True)
class Share:
    """Which rows a process learns from: those whose number leaves ``rank`` when divided by ``processes``."""

    rank: int = 0
    processes: int = 1

    def of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.asarray(rows[rows % self.processes == self.rank])


class Torch(BaseEstimator):  # type: ignore[misc]
    """How a PyTorch module is trained. A module that a train function returns is taken as ``Torch(module)``.

    Parameters
    ----------
    module
        An ``nn.Module`` from features [n, m] float32 to [n, classes] logits, [n, 1] logits of the second of two
        classes, [n, labels] logits for several labels a row, or [n, 1] values for regression.
    epochs
        Passes over the training rows.
    batch
        Rows of a mini-batch.
    lr
        Learning rate.
    loss
        A function of output [n, k] and target [n] (several labels: [n, k]) that gives one loss a row [n]; None: cross
        entropy, or the squared error.
    optimizer
        A function of ``(parameters, lr=…)``, such as ``torch.optim.SGD``; None: Adam.
    device
        ``cpu`` or ``cuda``; None: ``cuda`` where there is one.
    random_state
        Seed of the order of the rows and of what the module draws; None: the lifecycle's.

    Raises
    ------
    UserError
        When it is fitted and PyTorch is not installed.
    UserCodeFailed
        If module or loss give something of another shape.
    """

    def __init__(
        self,
        module: Any,
        epochs: int = 10,
        batch: int = 256,
        lr: float = 1e-3,
        loss: Loss | None = None,
        optimizer: Callable[..., Any] | None = None,
        device: str | None = None,
        random_state: int | None = None,
    ) -> None:
        self.module = module
        self.epochs, self.batch, self.lr = epochs, batch, lr
        self.loss, self.optimizer, self.device, self.random_state = loss, optimizer, device, random_state

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        after_epoch: Callable[["Torch", int], None] | None = None,
        share: Share | None = None,
    ) -> "Torch":
        """Learn.

        Parameters
        ----------
        X
            Features [n, m], an array (memory-mapped or not) or CSR.
        y
            int64 class indices [n], 0 and 1 [n, labels], or float32 values [n].
        sample_weight
            Weight of each row [n] in the loss; None: 1.
        after_epoch
            Is told of each epoch done, from 1.
        share
            This process's part of the rows, in a group of processes that is already formed; None: all rows.
        """
        library = torch()
        library.manual_seed(self.random_state or 0)
        self.device_ = self.device or ("cuda" if library.cuda.is_available() else "cpu")
        self.module_ = self.module.to(self.device_)
        self.kind_ = self._kind(library, X, y)
        if self.kind_ in ("classes", "binary"):
            self.classes_ = np.arange(2) if self.kind_ == "binary" else np.unique(y)
        weights = np.ones(len(y), np.float32) if sample_weight is None else sample_weight
        learner = library.nn.parallel.DistributedDataParallel(self.module_) if share else self.module_
        optimizer = (self.optimizer or library.optim.Adam)(self.module_.parameters(), lr=self.lr)
        for epoch in range(self.epochs):
            self.module_.train()
            for rows, target, weight in self._batches(library, X, y, weights, share or Share(), epoch):
                optimizer.zero_grad()
                self._loss(library, learner(rows), target, weight, share).backward()
                optimizer.step()
            self.module_.eval()
            if after_epoch is not None:
                after_epoch(self, epoch + 1)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float32]:
        """Probabilities [n, classes seen in training], or [n, labels] where a row can have several."""
        return output(self.module_.eval(), X, self.kind_, getattr(self, "classes_", None), self._place())

    def predict(self, X: Any) -> NDArray[Any]:
        """Class indices, 0 and 1 a label, or values."""
        if self.kind_ == "values":
            return output(self.module_.eval(), X, self.kind_, device=self._place())
        found = self.predict_proba(X)
        return (found >= 0.5).astype(np.int64) if self.kind_ == "labels" else self.classes_[found.argmax(axis=1)]

    def __getattribute__(self, name: str) -> Any:
        # A model of values has no probabilities, and callers ask by hasattr.
        if name == "predict_proba" and object.__getattribute__(self, "__dict__").get("kind_") == "values":
            raise AttributeError(name)
        return object.__getattribute__(self, name)

    def _place(self) -> str:
        """Where the weights are: to be packed they are taken from where they were learned."""
        return next((str(one.device) for one in self.module_.parameters()), self.device_)

    def _kind(self, library: Any, X: Any, y: Any) -> str:
        """What the module's output means, by its width and the labels; the width is kept."""
        self.module_.eval()
        with library.inference_mode():
            said = self.module_(_dense(library, X[:2]).to(self.device_))
        self._width = int(np.prod(said.shape[1:]))
        if y.ndim == 2:
            kind, due = "labels", y.shape[1]
        elif y.dtype.kind == "f":
            kind, due = "values", 1
        else:
            due = max(2, int(y.max()) + 1)
            kind = "binary" if self._width == 1 and due == 2 else "classes"
        if kind == "binary" or (self._width >= due if kind == "classes" else self._width == due):
            return kind
        raise UserCodeFailed(
            f"the module gives {self._width} numbers a row where {due} are due",
            where="train",
            do=f"Let its last layer have {due} outputs.",
        )

    def _batches(
        self, library: Any, X: Any, y: Any, w: Any, share: Share, epoch: int
    ) -> Iterator[tuple[Any, Any, Any]]:
        """Mini-batches in an order drawn for each epoch; processes draw the same and take their part of each."""

        class Rows(library.utils.data.Dataset):  # type: ignore[misc]
            def __getitem__(self, rows: NDArray[np.int64]) -> tuple[Any, Any, Any]:
                return _dense(library, X[rows]), *(library.from_numpy(np.array(one[rows])) for one in (y, w))

            def __len__(self) -> int:
                return len(y)

        order = np.random.default_rng((self.random_state or 0, epoch)).permutation(len(y))
        rows = [np.sort(share.of(order[at : at + self.batch])) for at in range(0, len(y), self.batch)]
        loader = library.utils.data.DataLoader(Rows(), sampler=rows, batch_size=None)
        for one in loader:
            yield tuple(part.to(self.device_) for part in one)

    def _loss(self, library: Any, said: Any, target: Any, weight: Any, share: Share | None) -> Any:
        """The weighted mean over the batch, its parts in other processes included."""
        said = said.reshape(len(target), -1)
        each = (self.loss or _losses(library)[self.kind_])(said, target)
        if each.shape != target.shape[:1]:
            raise UserCodeFailed(
                f"the loss gives {tuple(each.shape)} for {len(target)} rows",
                where="train",
                do="Give one loss a row, with reduction='none', so that weights reach it.",
            )
        total = weight.sum()
        if share is None:
            return (each * weight).sum() / total.clamp_min(1e-12)
        library.distributed.all_reduce(total)
        return (each * weight).sum() * share.processes / total.clamp_min(1e-12)  # gradients are averaged afterwards


def is_module(made: Any) -> bool:
    """True for an ``nn.Module``; PyTorch is not imported for it."""
    return any(one.__module__ == "torch.nn.modules.module" and one.__name__ == "Module" for one in type(made).__mro__)


def _losses(library: Any) -> dict[str, Loss]:
    F = library.nn.functional
    return {
        "classes": lambda said, y: F.cross_entropy(said, y, reduction="none"),
        "binary": lambda said, y: F.binary_cross_entropy_with_logits(said[:, 0], y.float(), reduction="none"),
        "labels": lambda said, y: F.binary_cross_entropy_with_logits(said, y.float(), reduction="none").mean(1),
        "values": lambda said, y: F.mse_loss(said[:, 0], y.float(), reduction="none"),
    }


def _dense(library: Any, part: Any) -> Any:
    return library.from_numpy(np.array(part.toarray() if sparse.issparse(part) else part, dtype=np.float32))
