"""Attachments: uploads, their examination in a limited process, scanning, and links to files."""
