"""Clients that are known already: their raw rows, by id."""

from __future__ import annotations

from typing import Any, Protocol


class ClientStore(Protocol):
    """What the service's door asks for a client's rows. Safe to share between threads."""

    def get(self, key: int | str) -> dict[str, Any]:
        """Give the application of a client as ``POST /v1/decisions`` accepts it.

        Parameters
        ----------
        key : int or str
            The application's key. A number may be given as its text, as it stands in an address.

        Returns
        -------
        dict
            The row of the root table as a mapping, and for every history table of the store the list of its rows, empty
            where there are none. Raw column names; values are text, numbers, booleans and None; days and times are ISO
            8601 text. The outcome is not among them. Who calls may change it.

        Raises
        ------
        UnknownClientError
            There is no such client.
        """
        ...

    def keys(self, prefix: str = "", limit: int = 100) -> tuple[int | str, ...]:
        """List the first `limit` keys whose text begins with `prefix`, numbers by value and text by its characters."""
        ...

    def __len__(self) -> int:
        """Count the clients."""
        ...
