//! What a reading cost: tokens counted by the API, prices as published. It bills nobody; a model
//! that is not in the list costs an unknown amount, never nothing.

use super::answer::Tokens;
use super::request::PROMPT;
use crate::domain::reading::Usage;

/// Model, then US cents for a million tokens read and written (prompts up to 100,000 tokens).
/// Source: Anthropic's model pages, November 2026.
const PRICES: [(&str, i64, i64); 4] = [
    ("claude-haiku-5-5", 10, 50),
    ("claude-sonnet-5-5", 200, 1_000),
    ("claude-opus-5-5", 400, 2_000),
    ("claude-fable-5-1", 1_000, 5_000),
];

/// What asking `asked` took; `answered` is what the model calls itself, which may add a date.
pub(super) fn usage(asked: &str, answered: Option<String>, tokens: Tokens) -> Usage {
    let model = answered.unwrap_or_else(|| asked.to_owned());
    let cached = [tokens.cache_written, tokens.cache_read];
    let cached: i64 = cached.into_iter().flatten().map(i64::from).sum();
    let input_tokens = i64::from(tokens.input) + cached;
    let output_tokens = i64::from(tokens.output);
    let price = PRICES.iter().find(|it| model.starts_with(it.0));
    // A cent for a million tokens is a hundredth of a millionth of a dollar for one.
    let cost = price.map(|(_, read, written)| {
        (input_tokens * read + output_tokens * written + 99).div_euclid(100)
    });
    Usage { model, prompt: PROMPT.to_owned(), input_tokens, output_tokens, cost_micro_usd: cost }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_has_its_price() {
        let tokens = Tokens { input: 2_000, output: 120, ..Tokens::default() };
        let one = usage("claude-haiku-5-5", Some("claude-haiku-5-5-20261007".into()), tokens);
        assert_eq!(one.cost_micro_usd, Some(260), "0.0002 + 0.00006 dollars");
        assert_eq!(one.model, "claude-haiku-5-5-20261007");
        assert_eq!(usage("somebody-else", None, tokens).cost_micro_usd, None);
    }
}
