"""The URLs of the development mailbox, included only with DEBUG."""

from django.urls import path, re_path

from core.dev.mailbox import views

urlpatterns = [
    re_path(r"^dev/mailbox/?$", views.mailbox, name="mailbox"),
    re_path(r"^dev/mailbox/messages/?$", views.messages, name="mailbox-messages"),
    path("dev/mailbox/<slug:message_id>", views.message, name="mailbox-message"),
]
