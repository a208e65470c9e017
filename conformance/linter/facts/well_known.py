"""Names that packages for Stackspin get from each other when one is copied from another."""

NAMES_OF_APPS = frozenset(
    {
        "calcom", "discourse", "documenso", "etherpad", "forgejo", "gatus", "gitea", "hedgedoc",
        "invoiceninja", "jitsi", "kimai", "limesurvey", "listmonk", "mastodon", "mattermost",
        "matomo", "moodle", "n8n", "nextcloud", "onlyoffice", "openproject", "outline", "paperless",
        "peertube", "penpot", "rocketchat", "suitecrm", "taiga", "vikunja", "wekan", "wordpress",
        "zammad", "zulip",
    }
)  # fmt: skip
"""Apps that Stackspin or public packages for it have."""
