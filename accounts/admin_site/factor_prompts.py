"""What the forms of the admin show for second factors that are not typed."""

import json
from dataclasses import dataclass

from accounts.registries import FactorAttempt
from accounts.services import enabled_factors


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    template: str
    options: str


def get_prompts(attempt: FactorAttempt) -> list[Prompt]:
    """Return the prompts of the user's factors. `attempt` has no value yet."""
    prompts = [factor.prompt for factor in enabled_factors.get(attempt.user.id) if factor.prompt is not None]
    return [Prompt(template=prompt.template, options=json.dumps(prompt.get_options(attempt))) for prompt in prompts]
