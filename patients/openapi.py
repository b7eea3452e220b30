"""How the OpenAPI page asks for a key. Imported where the schema is served."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class AccessKeyScheme(OpenApiAuthenticationExtension):
    target_class = "patients.authentication.MiddlewareAuthentication"
    name = "accessKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token hcm_...`: an access key, from an administrator.",
        }
