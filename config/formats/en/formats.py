"""How days and moments are shown in the admin: as everywhere else in the service."""

DATE_FORMAT = "Y-m-d"
DATETIME_FORMAT = "Y-m-d H:i"
