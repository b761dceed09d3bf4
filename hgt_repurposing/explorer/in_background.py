"""A value that takes seconds: computed once, in a thread of its own, while pages say that it is on its way."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYetError
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Pending(Exception):  # noqa: N818  (not an error)
    """The value is on its way."""

    def __init__(self, doing: str, seconds: float) -> None:
        super().__init__(doing)
        self.doing = doing
        """What is being done, such as `loading the model`."""
        self.seconds = seconds
        """Since it was asked for."""


class InBackground(Generic[Value]):
    """Computes a value when it is first asked for."""

    def __init__(self, compute: Callable[[], Value], *, doing: str = "reading the results") -> None:
        self._compute, self._doing = compute, doing
        self._lock = threading.Lock()
        self._future: Future[Value] | None = None
        self._began = 0.0

    def get(self, *, wait: float) -> Value:
        """The value.

        Args:
            wait: Seconds that the caller has.

        Raises:
            Pending: If it takes longer.
            Exception: What computing it raised; the next call tries again.
        """
        with self._lock:
            if self._future is None:
                self._future, self._began = Future(), time.monotonic()
                threading.Thread(target=self._run, args=(self._future,), daemon=True).start()
            future = self._future
        try:
            return future.result(timeout=wait)
        except NotYetError:
            raise Pending(self._doing, time.monotonic() - self._began) from None
        except Exception:
            self._forget(future)
            raise

    def _run(self, future: "Future[Value]") -> None:
        try:
            future.set_result(self._compute())
        except Exception as error:  # raised where the value is asked for
            future.set_exception(error)

    def _forget(self, future: "Future[Value]") -> None:
        with self._lock:
            if self._future is future:
                self._future = None
