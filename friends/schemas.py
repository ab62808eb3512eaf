"""What enters and leaves the friends domain."""

from marshmallow import fields

from friends.directory import CardOut
from friends.entities import LONGEST_TAG
from kit.queries import PageQuery, QueryId
from kit.schemas import Id, Instant, Schema, Text


class FriendshipIn(Schema):
    """Make somebody one's friend; the initiator can only be oneself."""

    target_id = Id(required=True)
    tag = Text(most=LONGEST_TAG, load_default="")
    initiator_id = Id()


class FriendshipChange(Schema):
    """Change what the friendship is called."""

    tag = Text(most=LONGEST_TAG)


class FriendshipsQuery(PageQuery):
    """Choose whose friendships, else one's own."""

    user_id = QueryId()


class MutualQuery(PageQuery):
    """Choose with whom."""

    other_id = QueryId(required=True, data_key="with")


class FriendshipOut(Schema):
    """Show a friendship."""

    id = fields.Integer(required=True)
    initiator_id = fields.Integer(required=True)
    target_id = fields.Integer(required=True)
    tag = fields.String(required=True)
    created_at = Instant(required=True)


class FriendOut(FriendshipOut):
    """Show a friendship from one side; `friend` is null when that user is gone or cannot be asked.

    The friendship itself is known without the users service, so the list stands without it.
    """

    friend = fields.Nested(CardOut, required=True, allow_none=True)
