"""What can go wrong between friends; the docstrings are shown to clients."""

from kit.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable


class UserNotFound(NotFound):
    """There is no such user."""


class FriendshipNotFound(NotFound):
    """There is no such friendship."""


class SelfFriendship(Invalid):
    """Nobody can be a friend of himself."""


class AlreadyFriends(Conflict):
    """These two are friends already, whoever asked the other."""


class NotYourFriendship(Forbidden):
    """A friendship is changed and ended only by the two whose it is."""


class UsersUnavailable(Unavailable):
    """Nobody can tell at this moment whether there is such a user; try again soon."""
