//! Stripe's search query language, as far as customers go: clauses of field, operator and value,
//! joined by AND (or nothing) or by OR, but not by both. Whatever does not parse is an error,
//! as it is at Stripe; nothing is guessed.

/// A parsed query.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) clauses: Vec<Clause>,
    pub(crate) join: Join,
}

/// How the clauses belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Join {
    All,
    Any,
}

/// One comparison, perhaps negated by a leading `-`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Clause {
    pub(crate) polarity: Polarity,
    pub(crate) field: Field,
    pub(crate) operator: Operator,
    pub(crate) value: Operand,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Polarity {
    Is,
    IsNot,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Created,
    Email,
    Name,
    Phone,
    Metadata(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Is,
    Contains,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Operand {
    Text(String),
    Number(i64),
    Null,
}

/// Why a query does not parse, in words for the error message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) String);

/// Reads the whole text or nothing.
pub(crate) fn parse(text: &str) -> Result<Query, Malformed> {
    let mut rest = Rest(text.trim());
    let mut clauses = vec![rest.clause()?];
    let mut join = None;
    loop {
        rest.skip_spaces();
        if rest.0.is_empty() {
            break;
        }
        let next = rest.join();
        if join.is_some_and(|it| it != next) {
            return Err(Malformed("AND and OR cannot be combined in one query".to_owned()));
        }
        join = Some(next);
        clauses.push(rest.clause()?);
    }
    if clauses.len() > 10 {
        return Err(Malformed("a query may have at most 10 clauses".to_owned()));
    }
    Ok(Query { clauses, join: join.unwrap_or(Join::All) })
}

/// What has not been read yet.
struct Rest<'a>(&'a str);

impl Rest<'_> {
    fn skip_spaces(&mut self) {
        self.0 = self.0.trim_start();
    }

    fn take(&mut self, prefix: &str) -> bool {
        match self.0.strip_prefix(prefix) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn join(&mut self) -> Join {
        for (word, join) in [("AND", Join::All), ("OR", Join::Any)] {
            let (head, tail) = self.0.split_at_checked(word.len()).unwrap_or_default();
            if head.eq_ignore_ascii_case(word) && tail.starts_with(' ') {
                self.0 = tail;
                return join;
            }
        }
        Join::All
    }

    fn clause(&mut self) -> Result<Clause, Malformed> {
        self.skip_spaces();
        let polarity = if self.take("-") { Polarity::IsNot } else { Polarity::Is };
        let field = self.field()?;
        let operator = self.operator()?;
        let value = self.value()?;
        if !self.0.is_empty() && !self.0.starts_with(' ') {
            return Err(self.stuck("a space or the end"));
        }
        let numeric = field == Field::Created;
        match (&value, operator) {
            (Operand::Number(_), Operator::Contains) => Err(self.stuck("a text after ~")),
            (Operand::Text(_) | Operand::Null, _) if numeric => Err(self.stuck("a number")),
            (Operand::Number(_), _) if !numeric => Err(self.stuck("a quoted text")),
            (Operand::Text(text), Operator::Contains) if text.chars().count() < 3 => {
                Err(self.stuck("at least three characters after ~"))
            }
            (Operand::Text(_), Operator::Is | Operator::Contains)
            | (Operand::Null, Operator::Is)
            | (Operand::Number(_), _) => Ok(Clause { polarity, field, operator, value }),
            (Operand::Text(_) | Operand::Null, _) => Err(self.stuck("the operator : or ~")),
        }
    }

    fn field(&mut self) -> Result<Field, Malformed> {
        let end = self.0.find(|it: char| !it.is_ascii_lowercase() && it != '_');
        let (name, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        let field = match name {
            "created" => Field::Created,
            "email" => Field::Email,
            "name" => Field::Name,
            "phone" => Field::Phone,
            "metadata" => {
                self.0 = rest;
                return self.metadata_key();
            }
            _ => return Err(self.stuck("one of the fields created, email, metadata, name, phone")),
        };
        self.0 = rest;
        Ok(field)
    }

    fn metadata_key(&mut self) -> Result<Field, Malformed> {
        if !self.take("[") {
            return Err(self.stuck("[ after metadata"));
        }
        let key = self.quoted()?;
        if self.take("]") {
            return Ok(Field::Metadata(key));
        }
        Err(self.stuck("] after the metadata key"))
    }

    fn operator(&mut self) -> Result<Operator, Malformed> {
        let operators = [
            (":", Operator::Is),
            ("~", Operator::Contains),
            (">=", Operator::GreaterOrEqual),
            ("<=", Operator::LessOrEqual),
            (">", Operator::Greater),
            ("<", Operator::Less),
        ];
        for (sign, operator) in operators {
            if self.take(sign) {
                return Ok(operator);
            }
        }
        Err(self.stuck("one of : ~ > < >= <="))
    }

    fn value(&mut self) -> Result<Operand, Malformed> {
        if self.0.starts_with(['\'', '"']) {
            return self.quoted().map(Operand::Text);
        }
        let (word, rest) = self.0.split_at(self.0.find(' ').unwrap_or(self.0.len()));
        let value = match word {
            "null" | "NULL" => Operand::Null,
            _ => Operand::Number(word.parse().map_err(|_| self.stuck("a quoted text or number"))?),
        };
        self.0 = rest;
        Ok(value)
    }

    /// A text in either kind of quotes; a backslash takes the next character literally.
    fn quoted(&mut self) -> Result<String, Malformed> {
        let mut letters = self.0.char_indices();
        let Some((_, quote @ ('\'' | '"'))) = letters.next() else {
            return Err(self.stuck("a quoted text"));
        };
        let mut text = String::new();
        while let Some((at, letter)) = letters.next() {
            if letter == quote {
                self.0 = &self.0[at + 1..];
                return Ok(text);
            }
            match (letter, letters.clone().next()) {
                ('\\', Some((_, escaped))) => {
                    letters.next();
                    text.push(escaped);
                }
                _ => text.push(letter),
            }
        }
        Err(self.stuck("a closing quote"))
    }

    fn stuck(&self, wanted: &str) -> Malformed {
        Malformed(format!("expected {wanted}, with {} characters left", self.0.chars().count()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_metadata(value: &str) -> Query {
        let clause = Clause {
            polarity: Polarity::Is,
            field: Field::Metadata("whatsapp_phone".to_owned()),
            operator: Operator::Is,
            value: Operand::Text(value.to_owned()),
        };
        Query { clauses: vec![clause], join: Join::All }
    }

    #[test]
    fn a_metadata_clause_is_read_in_both_kinds_of_quotes() {
        for text in ["metadata['whatsapp_phone']:'42'", r#"metadata["whatsapp_phone"]:"42""#] {
            assert_eq!(parse(text), Ok(by_metadata("42")));
        }
    }

    #[test]
    fn an_escaped_quote_or_backslash_is_part_of_the_value() {
        let text = r"metadata['whatsapp_phone']:'O\'Hara \\ Sons'";
        assert_eq!(parse(text), Ok(by_metadata(r"O'Hara \ Sons")));
    }

    #[test]
    fn an_unescaped_quote_changes_the_query_as_an_injection_would() {
        let injected = parse("metadata['whatsapp_phone']:'' OR name:'x'").expect("it parses");
        assert_eq!((injected.clauses.len(), injected.join), (2, Join::Any));
    }

    #[test]
    fn clauses_join_by_and_by_space_and_by_or_but_not_mixed() {
        assert_eq!(parse("name:'a' AND phone:'b'").map(|it| it.join), Ok(Join::All));
        assert_eq!(parse("name:'a' phone:'b'").map(|it| it.clauses.len()), Ok(2));
        assert_eq!(parse("name:'a' or -phone:null").map(|it| it.join), Ok(Join::Any));
        assert!(parse("name:'a' AND phone:'b' OR email:'c'").is_err());
    }

    #[test]
    fn what_stripe_would_not_parse_is_malformed() {
        let malformed = [
            "",
            "name",
            "name:",
            "name:'a",
            "name:a",
            "name:'a'x",
            "name>'a'",
            "name~'ab'",
            "created:'5'",
            "created>x",
            "metadata:'a'",
            "metadata[key]:'a'",
            "metadata['key':'a'",
            "nickname:'a'",
            "name:'a' AND",
            "AND name:'a'",
        ];
        for text in malformed {
            assert!(parse(text).is_err(), "{text} should not parse");
        }
    }
}
