"""What the tests of the whole server share: virtual time, and a place for database files."""

from tests.faults.folder import folder as folder
from tests.faults.virtual_time import virtual_time as virtual_time
