"""How sites come in.  README.md beside this file lists the rooms; protocol.md is the word between us and endpoints."""

from signaling.conferences import Channel, Conferences
from signaling.websocket import EndpointSockets, SocketSettings

__all__ = ["Channel", "Conferences", "EndpointSockets", "SocketSettings"]
