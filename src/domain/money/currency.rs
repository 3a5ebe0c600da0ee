//! The currencies of ISO 4217 with their decimals, the signs that stand for them, and which
//! country pays with which. It knows no rates.

use std::fmt;

/// A country by its two letters (ISO 3166), as in `HOME_COUNTRY`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country([u8; 2]);

impl Country {
    /// Reads two letters, in either case. Whether such a country exists is not asked.
    pub fn parse(code: &str) -> Option<Self> {
        match code.trim().as_bytes() {
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                Some(Self([a.to_ascii_uppercase(), b.to_ascii_uppercase()]))
            }
            _ => None,
        }
    }

    /// The two letters, upper case.
    pub fn code(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }

    /// What is paid with there, for the countries that we know.
    pub fn currency(self) -> Option<Currency> {
        let code = self.code();
        if EURO_COUNTRIES.split(' ').any(|it| it == code) {
            return Some(Currency::EUR);
        }
        let pair = PAYS_WITH.split_whitespace().find(|it| it.starts_with(code))?;
        Currency::parse(&pair[3..])
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A currency of ISO 4217.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency {
    code: &'static str,
    decimals: u8,
}

impl Currency {
    /// The euro.
    pub const EUR: Self = Self { code: "EUR", decimals: 2 };
    /// The Czech crown.
    pub const CZK: Self = Self { code: "CZK", decimals: 2 };
    /// The dollar of the United States.
    pub const USD: Self = Self { code: "USD", decimals: 2 };
    /// The Kuwaiti dinar: three decimals.
    pub const KWD: Self = Self { code: "KWD", decimals: 3 };
    /// The yen: no decimals.
    pub const JPY: Self = Self { code: "JPY", decimals: 0 };

    /// Reads a code of three letters, in either case. `None` for one that ISO 4217 has not.
    pub fn parse(code: &str) -> Option<Self> {
        let code = code.trim();
        let find = |list: &'static str, decimals| {
            list.split_whitespace()
                .find(|it| it.eq_ignore_ascii_case(code))
                .map(|code| Self { code, decimals })
        };
        find(TWO_DECIMALS, 2).or_else(|| find(NO_DECIMALS, 0)).or_else(|| find(THREE_DECIMALS, 3))
    }

    /// Reads what is printed beside an amount: a code, a sign or a word (`€`, `Kč`, `RM`, `kr`).
    /// Where several currencies share a sign, `country` decides; a crown or rupee of no country
    /// is `None`, a dollar of no country is the American one.
    pub fn parse_sign(sign: &str, country: Option<Country>) -> Option<Self> {
        let sign = sign.trim().trim_end_matches('.');
        if let Some(currency) = Self::parse(sign) {
            return Some(currency);
        }
        let lower = sign.to_lowercase();
        if let Some((_, code)) = SIGNS.iter().find(|(it, _)| *it == lower) {
            return Self::parse(code);
        }
        let (_, sharers, otherwise) = SHARED_SIGNS.iter().find(|(it, ..)| *it == lower)?;
        let local = country.and_then(Country::currency);
        let local = local.filter(|it| sharers.split(' ').any(|code| code == it.code));
        local.or_else(|| Self::parse(otherwise))
    }

    /// Whether `sign` is one that this currency shares with others, as the dollars do theirs.
    pub fn shares_sign(self, sign: &str) -> bool {
        let lower = sign.trim().trim_end_matches('.').to_lowercase();
        let sharers = SHARED_SIGNS.iter().find(|(it, ..)| *it == lower).map(|(_, it, _)| *it);
        sharers.is_some_and(|it| it.split(' ').any(|code| code == self.code))
    }

    /// The three letters.
    pub fn code(self) -> &'static str {
        self.code
    }

    /// How many decimals its amounts have: JPY 0, EUR 2, KWD 3.
    pub fn decimals(self) -> u8 {
        self.decimals
    }

    /// The sign that people know it by, where that names it well enough.
    pub fn sign(self) -> Option<&'static str> {
        OWN_SIGNS.iter().find(|(code, _)| *code == self.code).map(|(_, sign)| *sign)
    }
}

/// Its code.
impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

const NO_DECIMALS: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF";
const THREE_DECIMALS: &str = "BHD IQD JOD KWD LYD OMR TND";
/// BGN and HRK are gone, but their receipts are not.
const TWO_DECIMALS: &str = "\
    EUR USD GBP CZK PLN CHF MYR AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND \
    BOB BRL BSD BTN BWP BYN BZD CAD CDF CNY COP CRC CUP CVE DKK DOP DZD EGP ERN ETB FJD FKP GEL \
    GHS GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP \
    LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MZN NAD NGN NIO NOK NPR NZD PAB \
    PEN PGK PHP PKR QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL \
    THB TJS TMT TOP TRY TTD TWD TZS UAH UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG";

const EURO_COUNTRIES: &str =
    "AD AT BE BG CY DE EE ES FI FR GR HR IE IT LT LU LV MC ME MT NL PT SI SK SM VA XK";
const PAYS_WITH: &str = "\
    AE:AED AR:ARS AU:AUD BA:BAM BD:BDT BH:BHD BR:BRL CA:CAD CH:CHF CL:CLP CN:CNY CO:COP CZ:CZK \
    DK:DKK EG:EGP GB:GBP GE:GEL HK:HKD HU:HUF ID:IDR IL:ILS IN:INR IS:ISK JO:JOD JP:JPY KE:KES \
    KH:KHR KR:KRW KW:KWD KZ:KZT LI:CHF LK:LKR MA:MAD MD:MDL MK:MKD MM:MMK MX:MXN MY:MYR NG:NGN \
    NO:NOK NP:NPR NZ:NZD OM:OMR PE:PEN PH:PHP PK:PKR PL:PLN QA:QAR RO:RON RS:RSD RU:RUB SA:SAR \
    SE:SEK SG:SGD TH:THB TN:TND TR:TRY TW:TWD TZ:TZS UA:UAH UG:UGX US:USD UY:UYU VN:VND ZA:ZAR";

/// Lower case, without a final point.
const SIGNS: &[(&str, &str)] = &[
    ("€", "EUR"),
    ("euro", "EUR"),
    ("euros", "EUR"),
    ("kč", "CZK"),
    ("kc", "CZK"),
    ("kčs", "CZK"),
    ("zł", "PLN"),
    ("zl", "PLN"),
    ("ft", "HUF"),
    ("lei", "RON"),
    ("лв", "BGN"),
    ("lv", "BGN"),
    ("din", "RSD"),
    ("rm", "MYR"),
    ("đ", "VND"),
    ("₫", "VND"),
    ("vnđ", "VND"),
    ("dong", "VND"),
    ("₹", "INR"),
    ("₩", "KRW"),
    ("₽", "RUB"),
    ("₴", "UAH"),
    ("₺", "TRY"),
    ("tl", "TRY"),
    ("₪", "ILS"),
    ("฿", "THB"),
    ("₱", "PHP"),
    ("₦", "NGN"),
    ("₸", "KZT"),
    ("₾", "GEL"),
    ("rp", "IDR"),
    ("r$", "BRL"),
    ("us$", "USD"),
    ("a$", "AUD"),
    ("au$", "AUD"),
    ("c$", "CAD"),
    ("ca$", "CAD"),
    ("s$", "SGD"),
    ("nz$", "NZD"),
    ("hk$", "HKD"),
    ("nt$", "TWD"),
    ("mx$", "MXN"),
    ("円", "JPY"),
    ("元", "CNY"),
    ("원", "KRW"),
    ("fr", "CHF"),
    ("sfr", "CHF"),
    ("£", "GBP"),
];

/// The sign, who shares it, and who has it when no country speaks ("" is nobody).
const SHARED_SIGNS: &[(&str, &str, &str)] = &[
    ("$", "USD AUD CAD NZD SGD HKD TWD MXN ARS CLP COP UYU MYR", "USD"),
    ("kr", "SEK NOK DKK ISK", ""),
    ("¥", "JPY CNY", ""),
    ("￥", "JPY CNY", ""),
    ("rs", "INR PKR LKR NPR", ""),
    ("r", "ZAR", ""),
];

const OWN_SIGNS: &[(&str, &str)] = &[
    ("EUR", "€"),
    ("GBP", "£"),
    ("USD", "$"),
    ("JPY", "¥"),
    ("KRW", "₩"),
    ("INR", "₹"),
    ("CZK", "Kč"),
    ("PLN", "zł"),
    ("HUF", "Ft"),
    ("VND", "₫"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_currency_knows_its_own_decimals() {
        for (code, decimals) in
            [("JPY", 0), ("kwd", 3), ("VND", 0), ("eur", 2), ("HUF", 2), ("TND", 3)]
        {
            assert_eq!(Currency::parse(code).map(Currency::decimals), Some(decimals), "{code}");
        }
        assert_eq!(Currency::parse("XYZ"), None);
        assert_eq!(Currency::parse(""), None);
    }

    #[test]
    fn every_sign_stands_for_a_currency_that_exists() {
        for (sign, code) in SIGNS {
            assert_eq!(Currency::parse_sign(sign, None).map(Currency::code), Some(*code), "{sign}");
        }
        for (code, sign) in OWN_SIGNS {
            let home = Country::parse("JP");
            assert_eq!(Currency::parse_sign(sign, home).map(Currency::code), Some(*code), "{sign}");
        }
    }

    #[test]
    fn every_country_pays_with_a_currency_that_exists() {
        for pair in PAYS_WITH.split_whitespace() {
            let country = Country::parse(&pair[..2]).unwrap();
            assert_eq!(country.currency().map(Currency::code), Some(&pair[3..]));
        }
        assert_eq!(Country::parse("sk").and_then(Country::currency), Some(Currency::EUR));
        assert_eq!(Country::parse("CZE"), None);
    }
}
