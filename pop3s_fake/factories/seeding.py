"""Factories that repeat themselves: each has a seed and a count of its own.

Knows factory-boy's strategies.  Must not know what is made.  Neither factory-boy's random state nor its shared
counters are used: what another test has made changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar, cast

from factory.base import Factory, FactoryOptions
from factory.declarations import LazyAttribute, LazyAttributeSequence

from pop3s_fake.errors import UsageError
from pop3s_fake.maildrop.generated import check_natural

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

__all__ = ("SeededFactory", "check_seed", "check_switch", "lazy", "lazy_numbered")

# Frames of this module tell nobody anything; the line of the test that called it does.
__tracebackhide__ = True

T = TypeVar("T")

# factory-boy's declarations have no types of their own.
lazy: Final[Callable[[Callable[[Any], object]], Any]] = LazyAttribute
lazy_numbered: Final[Callable[[Callable[[Any, int], object]], Any]] = LazyAttributeSequence


def check_seed(seed: object) -> int:
    """The seed itself if it is an int, else a `UsageError`."""
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise UsageError(f"seed is a whole number, not {seed!r}")
    return seed


def check_switch(name: str, value: object) -> bool:
    """The value itself if it is a bool, else a `UsageError`."""
    if not isinstance(value, bool):
        raise UsageError(f"{name} is True or False, not {value!r}")
    return value


class OwnCounter(FactoryOptions):
    """Every factory counts for itself, where factory-boy lets one that is derived from another count on."""

    def _get_counter_reference(self) -> FactoryOptions:
        return self


class SeededFactory(Factory[T]):
    """A factory whose products follow from its seed and from how many it has made; ``seed=`` is for one call."""

    _options_class: ClassVar[type[FactoryOptions]] = OwnCounter

    class Meta:
        """There is nothing to make yet."""

        abstract = True

    class Params:
        """What does not go into the product itself."""

        seed = 0

    if TYPE_CHECKING:
        # A call of the class is one of `create`: factory-boy's metaclass sees to it and has no types to say so.
        def __new__(cls, **fields: Any) -> T:  # type: ignore[misc]
            """One of them, put where it belongs."""

    @classmethod
    def with_seed(cls, seed: int) -> type[Self]:
        """The same factory with this seed, as if it had made nothing yet."""
        return cls._with({"Params": type("Params", (), {"seed": check_seed(seed)})})

    @classmethod
    def _with(cls, declarations: dict[str, Any]) -> type[Self]:
        metaclass = cast("Callable[..., type[Self]]", type(cls))
        return metaclass(cls.__name__, (cls,), {"__module__": cls.__module__, **declarations})

    @classmethod
    def build(cls, **fields: Any) -> T:
        """One of them, kept nowhere."""
        if "seed" in fields:
            return cls.with_seed(fields.pop("seed")).build(**fields)
        try:
            return super().build(**fields)
        except UsageError as error:
            raise error.with_traceback(None) from None

    @classmethod
    def create(cls, **fields: Any) -> T:
        """One of them, put where it belongs."""
        if "seed" in fields:
            return cls.with_seed(fields.pop("seed")).create(**fields)
        try:
            return super().create(**fields)
        except UsageError as error:
            raise error.with_traceback(None) from None

    @classmethod
    def build_batch(cls, size: int, **fields: Any) -> list[T]:
        """That many of them, kept nowhere."""
        made = cls.with_seed(fields.pop("seed")) if "seed" in fields else cls
        return [made.build(**fields) for _ in range(check_natural("the size of a batch", size))]

    @classmethod
    def create_batch(cls, size: int, **fields: Any) -> list[T]:
        """That many of them, put where they belong."""
        made = cls.with_seed(fields.pop("seed")) if "seed" in fields else cls
        return [made.create(**fields) for _ in range(check_natural("the size of a batch", size))]
