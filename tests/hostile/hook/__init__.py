"""A folder that a `.pth` file of the watched interpreter names; `audit_hook` is loaded from it."""
