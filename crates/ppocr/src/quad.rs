//! Four corners of a piece of text in a picture, as it is read: left and right, up and down are the
//! text's own. Geometry only.

/// A point in pixels, from the upper left corner of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub x: f32,
    pub y: f32,
}

impl Point {
    fn distance(self, other: Self) -> f32 {
        (self.x - other.x).hypot(self.y - other.y)
    }

    fn between(self, other: Self, share: f32) -> Self {
        Self { x: self.x + (other.x - self.x) * share, y: self.y + (other.y - self.y) * share }
    }
}

/// Upper left, upper right, lower right, lower left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quad(pub [Point; 4]);

impl Quad {
    /// The four corners of a rectangle in any order, taken as lying less than an eighth turn
    /// away from upright.
    pub fn upright(mut corners: [Point; 4]) -> Self {
        corners.sort_by(|a, b| a.x.total_cmp(&b.x));
        let [mut left, mut right] = [[corners[0], corners[1]], [corners[2], corners[3]]];
        left.sort_by(|a, b| a.y.total_cmp(&b.y));
        right.sort_by(|a, b| a.y.total_cmp(&b.y));
        Self([left[0], right[0], right[1], left[1]])
    }

    /// Along the text.
    pub fn width(&self) -> f32 {
        let [a, b, c, d] = self.0;
        a.distance(b).max(d.distance(c))
    }

    /// Across the text.
    pub fn height(&self) -> f32 {
        let [a, b, c, d] = self.0;
        a.distance(d).max(b.distance(c))
    }

    /// A place within, as shares of its width and height.
    pub fn at(&self, right: f32, down: f32) -> Point {
        let [a, b, c, d] = self.0;
        a.between(b, right).between(d.between(c, right), down)
    }

    /// The middle of its left edge.
    pub fn begin(&self) -> Point {
        self.at(0.0, 0.5)
    }

    /// The middle of its right edge.
    pub fn end(&self) -> Point {
        self.at(1.0, 0.5)
    }

    /// The same place in a picture of another size.
    #[must_use]
    pub fn scaled(self, across: f32, down: f32) -> Self {
        Self(self.0.map(|it| Point { x: it.x * across, y: it.y * down }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(x: f32, y: f32) -> Point {
        Point { x, y }
    }

    #[test]
    fn corners_are_put_in_reading_order() {
        let quad = Quad::upright([
            point(90.0, 22.0),
            point(10.0, 10.0),
            point(91.0, 12.0),
            point(9.0, 20.0),
        ]);
        assert_eq!(quad.0[0], point(10.0, 10.0));
        assert_eq!(quad.0[2], point(90.0, 22.0));
        assert!(quad.width() > 80.0 && quad.height() < 11.0);
        assert_eq!(quad.begin(), point(9.5, 15.0));
    }
}
