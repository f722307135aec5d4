from droa_user import user, visitor

__all__ = ["user", "visitor"]
