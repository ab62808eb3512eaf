"""Use cases at moments that HTTP cannot reach: somebody else was quicker."""

import pytest

from kit.db import Database
from kit.passwords import Passwords
from tests.support.clients import PASSWORD, add_user
from users import service
from users.errors import InvalidCredentials, UserNotFound, WrongPassword


class TestMeanwhileDeleted:
    async def test_cannot_be_changed(self, house_database: Database) -> None:
        user_id = await add_user(house_database, "dora")
        async with house_database.writing() as session:
            await service.delete_user(session, user_id)
        for changes in ({}, {"first_name": "Theodora"}):
            async with house_database.writing() as session:
                with pytest.raises(UserNotFound):
                    await service.update_user(session, user_id, changes)

    async def test_cannot_be_deleted_twice(self, house_database: Database) -> None:
        user_id = await add_user(house_database, "dora")
        async with house_database.writing() as session:
            assert await service.delete_user(session, user_id) == 1
            with pytest.raises(UserNotFound):
                await service.delete_user(session, user_id)

    async def test_gets_no_new_password(self, house_database: Database) -> None:
        user_id = await add_user(house_database, "dora")
        async with house_database.writing() as session:
            account = await service.own_account(session, user_id)
            await service.delete_user(session, user_id)
            with pytest.raises(WrongPassword):
                await service.change_password(session, account, "a hash")


class TestEpoch:
    async def test_grows_with_each_change_of_the_password(self, house_database: Database) -> None:
        user_id = await add_user(house_database, "dora")
        async with house_database.writing() as session:
            for epoch in (1, 2, 3):
                account = await service.own_account(session, user_id)
                assert await service.change_password(session, account, f"hash {epoch}") == epoch

    async def test_lets_a_stale_account_change_nothing(self, house_database: Database) -> None:
        user_id = await add_user(house_database, "dora")
        async with house_database.writing() as session:
            account = await service.own_account(session, user_id)
            await service.change_password(session, account, "first")
            with pytest.raises(WrongPassword):
                await service.change_password(session, account, "second")
            assert (await service.own_account(session, user_id))["password_hash"] == "first"


class TestCredentials:
    async def test_never_fit_nobody(self) -> None:
        passwords = Passwords(4)
        with pytest.raises(InvalidCredentials):
            await service.check_credentials(passwords, None, PASSWORD)
        passwords.close()
