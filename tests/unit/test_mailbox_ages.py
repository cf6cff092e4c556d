"""How long messages wait, told from two looks."""

from __future__ import annotations

from sessiond.gateway.mailbox_ages import MailboxAges


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def look(ages: MailboxAges, **heads: object) -> dict[str, float]:
    ages.begin()
    found = {owner: ages.see(owner, head) for owner, head in heads.items()}
    ages.end()
    return found


def test_a_message_that_stays_next_grows_old_and_others_do_not() -> None:
    clock = Clock()
    ages = MailboxAges(clock)
    stuck, equal = ["message"], ["message"]
    assert look(ages, a=stuck, b=equal) == {"a": 0.0, "b": 0.0}
    clock.now = 10.0
    assert look(ages, a=stuck, b=["message"]) == {"a": 10.0, "b": 0.0}
    clock.now = 25.0
    assert look(ages, a=stuck) == {"a": 25.0}


def test_a_mailbox_that_was_empty_in_between_begins_anew() -> None:
    clock = Clock()
    ages = MailboxAges(clock)
    head = object()
    look(ages, a=head)
    look(ages)
    clock.now = 10.0
    assert look(ages, a=head) == {"a": 0.0}
