//! The catalogue: every text that a person reads, in every language, from the Fluent files in
//! `locales/`, which are part of the program. It reads no file, and it does not decide what is
//! said: see `reply`.

pub mod formats;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use intl_memoizer::concurrent::IntlLangMemoizer;
use unic_langid::LanguageIdentifier;

use super::language::Language;

type Bundle = FluentBundle<FluentResource>;

/// Makes a case of [`Text`] of each line: the message's name in the files, our name for it, and
/// its parameters. Text comes as `String`. A count comes as `u32`, so that the files can choose
/// between plural forms; it is shown as the language writes numbers.
macro_rules! texts {
    ($($id:literal $text:ident $({ $($parameter:ident: $kind:ty),+ })?,)+) => {
        /// Something to say. Its wording is in `locales/`, where the comments say when it is said.
        pub enum Text { $($text $({ $($parameter: $kind),+ })?),+ }

        impl Text {
            /// The message's name in the files, and what is to be put into it.
            fn parts(self) -> (&'static str, FluentArgs<'static>) {
                let mut arguments = FluentArgs::new();
                let id = match self {
                    $(Self::$text $({ $($parameter),+ })? => {
                        $($(arguments.set(stringify!($parameter), $parameter);)+)?
                        $id
                    })+
                };
                (id, arguments)
            }
        }

        /// Each name with its parameters.
        #[cfg(test)]
        const NAMES: &[(&str, &[&str])] = &[$(($id, &[$($(stringify!($parameter)),+)?])),+];
    };
}

texts! {
    "entry-booked" EntryBooked { category: String, amount: String, merchant: String, date: String },
    "entry-incomplete" EntryIncomplete {
        category: String, amount: String, merchant: String, date: String
    },
    "unknown" Unknown,
    "category-name" CategoryName { category: &'static str },
    "button-right" ButtonRight,
    "button-wrong" ButtonWrong,
    "looks-booked" LooksBooked { receipt: String },
    "looks-kept" LooksKept { known: u32, receipt: String },
    "button-same" ButtonSame,
    "button-new" ButtonNew,
    "booked-as-new" BookedAsNew { receipt: String },
    "amount-completed" AmountCompleted { amount: String },
    "amount-corrected" AmountCorrected { amount: String },
    "category-corrected" CategoryCorrected { category: String },
    "how-to-correct" HowToCorrect,
    "correction-help" CorrectionHelp,
    "not-a-receipt" NotAReceipt,
    "unreadable" Unreadable,
    "help" Help,
    "opted-out" OptedOut,
    "opted-in" OptedIn,
    "send-a-photo" SendAPhoto,
    "gave-up" GaveUp,
    "takes-longer" TakesLonger,
    "over-limit" OverLimit,
    "not-a-customer" NotACustomer,
    "money-with-symbol" MoneyWithSymbol { currency: &'static str, number: String },
    "money-with-letters" MoneyWithLetters { currency: &'static str, number: String },
}

impl Text {
    /// Says it. That every language has it, with these parameters, is held by the tests.
    pub fn say(self, language: Language) -> String {
        let (id, arguments) = self.parts();
        say(&BUNDLES[&language], id, &arguments)
    }
}

static BUNDLES: LazyLock<HashMap<Language, Bundle>> = LazyLock::new(|| {
    Language::ALL.into_iter().map(|it| (it, bundle(it, it.catalogue()))).collect()
});

fn bundle(language: Language, source: &str) -> Bundle {
    let resource = FluentResource::try_new(source.to_owned());
    let resource =
        resource.map_err(|(_, errors)| errors).expect("a catalogue is read by the tests");
    let locale: LanguageIdentifier = language.locale().parse().expect("a language's locale is one");
    let mut bundle = FluentBundle::new_concurrent(vec![locale]);
    // The marks that keep a value's direction apart would be copied with an amount.
    bundle.set_use_isolating(false);
    bundle.set_formatter(Some(shown));
    bundle.add_resource(resource).expect("a catalogue names each message once");
    bundle
}

fn say(bundle: &Bundle, id: &str, arguments: &FluentArgs<'_>) -> String {
    let message = bundle.get_message(id).and_then(|it| it.value());
    let pattern = message.expect("each language has each message: see the tests");
    let mut errors = Vec::new();
    bundle.format_pattern(pattern, Some(arguments), &mut errors).into_owned()
}

/// Numbers are shown as the language writes them; the rest as it is.
fn shown(value: &FluentValue<'_>, languages: &IntlLangMemoizer) -> Option<String> {
    let FluentValue::Number(number) = value else { return None };
    let plain = number.as_string();
    languages.with_try_get::<Spoken, _, _>((), |it| formats::number(&plain, it.0)).ok()?
}

/// The language of a bundle, which its memoizer alone knows.
struct Spoken(Language);

impl intl_memoizer::Memoizable for Spoken {
    type Args = ();
    type Error = ();

    fn construct(locale: LanguageIdentifier, (): ()) -> Result<Self, ()> {
        let locale = locale.to_string();
        Language::ALL.into_iter().find(|it| it.locale() == locale).map(Self).ok_or(())
    }
}
