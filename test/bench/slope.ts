export interface Point {
  readonly x: number
  readonly y: number
}

/** The line with the least squared distance in y from all points, by its slope and its y at 0. */
export function fitLine(points: readonly Point[]): { slope: number; start: number } {
  const mean = (of: (point: Point) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length
  const [x, y] = [mean((point) => point.x), mean((point) => point.y)]
  const slope = mean((point) => (point.x - x) * (point.y - y)) / mean((point) => (point.x - x) ** 2)
  return { slope, start: y - slope * x }
}
