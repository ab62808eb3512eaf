"""Use cases at moments that HTTP cannot reach: somebody else was quicker."""

import pytest

from kit.db import Database
from kit.passwords import Passwords
from tests.support.clients import PASSWORD, add_user
from users.errors import InvalidCredentials, UserNotFound, WrongPassword
from users.service import credentials, profiles


class TestMeanwhileDeleted:
    async def test_cannot_be_changed(self, house_database: Database) -> None:
        user_id = await add_user(house_database, "dora")
        async with house_database.writing() as session:
            await profiles.delete_user(session, user_id)
        for changes in ({}, {"first_name": "Theodora"}):
            async with house_database.writing() as session:
                with pytest.raises(UserNotFound):
                    await profiles.update_user(session, user_id, changes)

    async def test_cannot_be_deleted_twice(self, house_database: Database) -> None:
        user_id = await add_user(house_database, "dora")
        async with house_database.writing() as session:
            assert (await profiles.delete_user(session, user_id))["session_epoch"] == 1
            with pytest.raises(UserNotFound):
                await profiles.delete_user(session, user_id)

    async def test_gets_no_new_password(self, house_database: Database) -> None:
        user_id = await add_user(house_database, "dora")
        async with house_database.writing() as session:
            account = await profiles.own_account(session, user_id)
            await profiles.delete_user(session, user_id)
            with pytest.raises(WrongPassword):
                await credentials.change_password(session, account, "a hash")


class TestEpoch:
    async def test_grows_with_each_change_of_the_password(self, house_database: Database) -> None:
        user_id = await add_user(house_database, "dora")
        async with house_database.writing() as session:
            for epoch in (1, 2, 3):
                account = await profiles.own_account(session, user_id)
                changed = await credentials.change_password(session, account, f"hash {epoch}")
                assert changed["session_epoch"] == epoch

    async def test_lets_a_stale_account_change_nothing(self, house_database: Database) -> None:
        user_id = await add_user(house_database, "dora")
        async with house_database.writing() as session:
            account = await profiles.own_account(session, user_id)
            await credentials.change_password(session, account, "first")
            with pytest.raises(WrongPassword):
                await credentials.change_password(session, account, "second")
            assert (await profiles.own_account(session, user_id))["password_hash"] == "first"


class TestCredentials:
    async def test_never_fit_nobody(self) -> None:
        passwords = Passwords(4)
        with pytest.raises(InvalidCredentials):
            await credentials.check_credentials(passwords, None, PASSWORD)
        passwords.close()
