"""The flows of two-factor authentication: enrolment, verification of codes, recovery codes, and rotation of keys."""
