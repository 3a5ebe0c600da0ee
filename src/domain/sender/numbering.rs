//! Three countries whose mobile numbers are written in two ways, and Meta uses both: Brazil's ninth
//! digit, Argentina's 9 and Mexico's 1 after the country code. It only compares: no number is ever
//! rewritten by it, for Meta delivers to the one and not always to the other.

/// A number that has two ways of writing, as its key and its other way; `None` for all others.
pub(super) fn with_and_without(digits: &str) -> Option<(String, String)> {
    brazil(digits).or_else(|| argentina(digits)).or_else(|| mexico(digits))
}

/// 55, two digits of area, for a mobile perhaps a 9, eight digits. The eight of a mobile begin with
/// 6 to 9, those of a landline with 2 to 5: a landline with a 9 before it is somebody else.
fn brazil(digits: &str) -> Option<(String, String)> {
    let rest = digits.strip_prefix("55")?;
    let (area, local) = rest.split_at_checked(2)?;
    let local = match local.len() {
        8 => local,
        9 => local.strip_prefix('9')?,
        _ => return None,
    };
    let is_mobile = local.starts_with(['6', '7', '8', '9']) && !area.contains('0');
    is_mobile.then(|| (format!("55{area}9{local}"), format!("55{area}{local}")))
}

/// 54, for a mobile perhaps a 9, ten digits of area and number: areas begin with 1 to 3.
fn argentina(digits: &str) -> Option<(String, String)> {
    let rest = digits.strip_prefix("54")?;
    let national = if rest.len() == 11 { rest.strip_prefix('9')? } else { rest };
    let is_national = national.len() == 10 && national.starts_with(['1', '2', '3']);
    is_national.then(|| (format!("549{national}"), format!("54{national}")))
}

/// 52, for a mobile perhaps a 1, ten digits that begin with neither 0 nor 1.
fn mexico(digits: &str) -> Option<(String, String)> {
    let rest = digits.strip_prefix("52")?;
    let national = if rest.len() == 11 { rest.strip_prefix('1')? } else { rest };
    let is_national = national.len() == 10 && !national.starts_with(['0', '1']);
    is_national.then(|| (format!("52{national}"), format!("521{national}")))
}

#[cfg(test)]
mod tests {
    use crate::domain::sender::Phone;

    fn variants(digits: &str) -> Vec<String> {
        let phone = Phone::parse(digits).unwrap();
        phone.variants().iter().map(|it| it.as_str().to_owned()).collect()
    }

    #[test]
    fn numbers_of_three_countries_have_two_ways_of_writing() {
        for (one, other) in [
            ("5531988887777", "553188887777"),
            ("5511961234567", "551161234567"),
            ("5491123456789", "541123456789"),
            ("5492954123456", "542954123456"),
            ("5215512345678", "525512345678"),
        ] {
            assert_eq!(variants(one), [one, other], "{one}");
            assert_eq!(variants(other), [other, one], "{other}");
            let key = |it| Phone::parse(it).unwrap().key();
            assert_eq!(key(one), key(other), "{one}");
        }
    }

    #[test]
    fn all_other_numbers_have_one_and_are_their_own_key() {
        for digits in [
            "420777123456",
            // A landline of Brazil, and the mobile that would be it with a 9.
            "551134567890",
            "5511934567890",
            "5501988887777",
            "5411234",
            "541123456",
            "54111234567890",
            "5210551234567",
            "520551234567",
            "555555",
            "15551234567",
        ] {
            assert_eq!(variants(digits), [digits]);
            let phone = Phone::parse(digits).unwrap();
            assert_eq!(phone.key(), phone);
        }
    }
}
