"""Lets a request in if it carries the token that the function's environment names."""

import hmac

from orders import Settings

settings = Settings()


def lambda_handler(event, context):
    sent = event.get("headers", {}).get("authorization", "")
    return {"isAuthorized": bool(settings.token) and hmac.compare_digest(sent, f"Bearer {settings.token}")}
