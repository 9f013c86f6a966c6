"""What each GraphQL type answers: one plain class per type, one method per field."""

from .mutation import MutationRoot
from .query import QueryRoot
from .site import Site

__all__ = ["MutationRoot", "QueryRoot", "Site"]
