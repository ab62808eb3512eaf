"""What enters and leaves the friends domain."""

from marshmallow import fields

from friends.directory import CardOut
from friends.entities import LONGEST_TAG
from kit.queries import PageQuery, QueryId
from kit.schemas import Id, Instant, Schema, Text, about


class FriendshipIn(Schema):
    """Make somebody one's friend; the initiator can only be oneself."""

    target_id = Id(required=True, **about("Whose friend to become.", 2))
    tag = Text(
        most=LONGEST_TAG,
        load_default="",
        **about("What it is called, at most 64 characters.", "colleague"),
    )
    initiator_id = Id(**about("Who asks: only oneself.", 1))


class FriendshipChange(Schema):
    """Change what the friendship is called."""

    tag = Text(
        most=LONGEST_TAG,
        **about("What it is called from now on, at most 64 characters.", "best friend"),
    )


class FriendshipsQuery(PageQuery):
    """Choose whose friendships, else one's own."""

    user_id = QueryId(**about("Whose friendships; else one's own.", 1))


class MutualQuery(PageQuery):
    """Choose with whom."""

    other_id = QueryId(required=True, data_key="with", **about("With which user.", 11))


class FriendshipOut(Schema):
    """Show a friendship."""

    id = fields.Integer(required=True, **about("Which friendship.", 101))
    initiator_id = fields.Integer(required=True, **about("Who asked.", 1))
    target_id = fields.Integer(required=True, **about("Who was asked.", 2))
    tag = fields.String(
        required=True, **about("What it is called, such as `best friend`.", "colleague")
    )
    created_at = Instant(required=True, **about("When it began.", "2027-03-01T09:30:00Z"))


class FriendOut(FriendshipOut):
    """Show a friendship from one side; `friend` is null when that user is gone or cannot be asked.

    The friendship itself is known without the users service, so the list stands without it.
    """

    friend = fields.Nested(
        CardOut,
        required=True,
        allow_none=True,
        **about("The friend; null when that user has left, or cannot be asked."),
    )
