"""Software that replaces Stackspin's own; every report names it."""

from __future__ import annotations

SUBSTITUTES: tuple[dict[str, str], ...] = (
    {
        "name": "Traefik",
        "role": "ingress controller of class nginx",
        "instead_of": "ingress-nginx",
        "kind": "substitute",
        "note": "reads the annotations of ingress-nginx",
    },
    {
        "name": "the harness's certificate authority",
        "role": "TLS certificates",
        "instead_of": "cert-manager and a public CA",
        "kind": "substitute",
        "note": "one wildcard certificate for the platform domain",
    },
    {
        "name": "stackspin/operator",
        "role": "StringSecret, BasicAuth and OAuth2Client",
        "instead_of": "mittwald/kubernetes-secret-generator and ory/hydra-maester",
        "kind": "reference",
        "note": "replaceable: set image in the ConfigMap stackspin-operator-override",
    },
    {
        "name": "stackspin/dashboard",
        "role": "login, consent and account pages; apps, users, backups",
        "instead_of": "the Stackspin dashboard",
        "kind": "reference",
        "note": "replaceable: set image in the ConfigMap stackspin-dashboard-override, "
        "or point the suite elsewhere with --dashboard-url",
    },
    {
        "name": "PostgreSQL 15",
        "role": "database server of single sign-on",
        "instead_of": "MariaDB",
        "kind": "substitute",
        "note": "the migrations of this Hydra do not run on MariaDB",
    },
    {
        "name": "SeaweedFS",
        "role": "object store of the backups",
        "instead_of": "an S3 service elsewhere",
        "kind": "substitute",
        "note": "on a volume of the same cluster that outlives its release and its claim",
    },
    {
        "name": "stackspin/git-server",
        "role": "Git repository that Flux tracks",
        "instead_of": "the project's Git hosting",
        "kind": "substitute",
        "note": "Apache and git http-backend",
    },
    {
        "name": "mailpit",
        "role": "mail server",
        "instead_of": "the organisation's mail server",
        "kind": "substitute",
        "note": "keeps every mail; the checks read them",
    },
)
