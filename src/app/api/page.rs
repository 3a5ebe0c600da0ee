//! Lists that go on: the newest first, a cursor to what is older.

use super::refusal::Refusal;

/// Rows on a page, unless told otherwise, and at most.
const ROWS: (u8, u8) = (50, 100);

/// How many, and after which.
#[derive(Clone, Debug, Default)]
pub struct Pages {
    /// Rows on a page, 1 to 100.
    pub limit: Option<u8>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

impl Pages {
    /// Reads `limit` and `cursor` of a query.
    pub fn of(limit: Option<u8>, cursor: Option<&String>) -> Result<Self, Refusal> {
        if limit.is_some_and(|it| it == 0 || it > ROWS.1) {
            return Err(Refusal::BadInput(format!("limit: want 1 to {}", ROWS.1)));
        }
        Ok(Self { limit, cursor: cursor.cloned() })
    }

    /// One more than are shown: then there is another page.
    pub fn asked(&self) -> i64 {
        i64::from(self.limit.unwrap_or(ROWS.0)) + 1
    }

    /// The row that the page begins after.
    pub fn before(&self) -> Result<Option<i64>, Refusal> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let row = cursor.parse().ok().filter(|it| *it > 0);
        row.map(Some).ok_or(Refusal::BadInput("cursor: want `next` of the page before".to_owned()))
    }

    /// Cuts `rows` to the page; the cursor to the next one, where there is one.
    pub fn cut<T>(&self, rows: &mut Vec<T>, id: impl Fn(&T) -> i64) -> Option<String> {
        let shown = usize::from(self.limit.unwrap_or(ROWS.0));
        if rows.len() <= shown {
            return None;
        }
        rows.truncate(shown);
        rows.last().map(|it| id(it).to_string())
    }
}
