"""What is loaded when, and what is said where the extra is missing."""

from __future__ import annotations

import subprocess
import sys

WITHOUT_THE_EXTRA = "import sys; sys.modules['factory'] = None\n"


def said(program: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)
    return done.stdout


def test_without_the_extra_the_import_says_what_to_install() -> None:
    """One line to paste, and no traceback through our modules."""
    program = f"""{WITHOUT_THE_EXTRA}
try:
    import pop3s_fake.factories
except ImportError as error:
    print(error.name, error.__suppress_context__, error)
"""
    assert said(program) == (
        "factory True pop3s_fake.factories needs factory-boy: pip install 'pop3s-fake[factories]'\n"
    )


def test_an_import_that_fails_for_another_reason_says_so() -> None:
    """A broken Faker is not a missing factory-boy."""
    program = """import sys; sys.modules['faker'] = None
try:
    import pop3s_fake.factories
except ImportError as error:
    print(error.name)
"""
    assert said(program) == "faker\n"


def test_the_rest_does_without() -> None:
    """Servers and maildrops need no factory."""
    assert said(f"{WITHOUT_THE_EXTRA}from pop3s_fake import Pop3sServer, Maildrop; print(len(Maildrop()))") == "0\n"


def test_faker_is_set_up_only_where_it_is_asked_for() -> None:
    """factory-boy imports the package itself; the providers of a locale take the time, and are loaded by `faked`."""
    program = """import sys
from pop3s_fake.factories import FakedMessageFactory, MaildropFactory, MessageFactory
providers = lambda: "faker.providers.person.en_US" in sys.modules
MaildropFactory(messages=3, attachments=1)
before = providers()
MessageFactory.build(faked=True)
print(before, providers())
"""
    assert said(program) == "False True\n"
