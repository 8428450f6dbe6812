/** One rule over metrics with its input; the expectations are found by one engine and checked by the other. */
export interface PromtoolCase {
  readonly title: string
  readonly rule: Readonly<Record<string, unknown>>
  readonly series: Readonly<Record<string, string>>
}

const gauge = 'g{job="a", zone="x"}'
const other = 'g{job="b", zone="x"}'
const errors = 'http_total{code="500", route="r"}'
const fine = 'http_total{code="200", route="r"}'

/** What can go wrong in a lifecycle, a window or a label. */
export const promtoolCases: readonly PromtoolCase[] = [
  {
    title: 'fires at the first evaluation without for',
    rule: { condition: 'value(g{}) > 5' },
    series: { [gauge]: '1 6 6 1 6' },
  },
  {
    title: 'is pending for as long as for',
    rule: { condition: 'value(g{}) > 5', for: '2m' },
    series: { [gauge]: '1 6x6' },
  },
  {
    title: 'a gap in pending begins anew',
    rule: { condition: 'value(g{}) > 5', for: '2m' },
    series: { [gauge]: '6 6 1 6 6 6 6 1' },
  },
  {
    title: 'keep_firing_for bridges a gap',
    rule: { condition: 'value(g{}) > 5', keep_firing_for: '3m' },
    series: { [gauge]: '6 1 1 6 1 1 1 1 1 1' },
  },
  {
    title: 'for and keep_firing_for together',
    rule: { condition: 'value(g{}) > 5', for: '1m', keep_firing_for: '2m' },
    series: { [gauge]: '6 6 1 6 1 1 1 1 6 1 1' },
  },
  {
    title: 'fires anew behind its end, with for',
    rule: { condition: 'value(g{}) > 5', for: '1m' },
    series: { [gauge]: '6 6 6 1 6 6 1 1 6 6 6' },
  },
  {
    title: 'one alert for each series',
    rule: { condition: 'value(g{}) > 5 by *' },
    series: { [gauge]: '6 1 6 6', [other]: '1 6 6 1' },
  },
  {
    title: 'one alert for each group',
    rule: { condition: 'value(g{}) > 10 by zone' },
    series: { [gauge]: '6x5', [other]: '1 6 6 1 6' },
  },
  {
    title: 'everything added up',
    rule: { condition: 'value(g{}) == 12' },
    series: { [gauge]: '6x5', [other]: '1 6 6 1 6' },
  },
  {
    title: 'a label that a series lacks is empty',
    rule: { condition: 'value(g{}) > 0 by rack, zone' },
    series: { [gauge]: '1x4', 'g{job="c"}': '2x4' },
  },
  {
    title: 'a series that ends',
    rule: { condition: 'value(g{}) > 5 by *' },
    series: { [gauge]: '6 6 6 stale _ _ 6' },
  },
  {
    title: 'a series that is silent is current for five minutes',
    rule: { condition: 'value(g{}) > 5' },
    series: { [gauge]: '6 6 _x12 6' },
  },
  {
    title: 'matchers of all kinds',
    rule: { condition: 'value(g{job=~"a|c", zone!="y", rack!~".+"}) > 0 by *' },
    series: { [gauge]: '1x4', [other]: '1x4', 'g{job="c", zone="y"}': '1x4' },
  },
  {
    title: 'an average',
    rule: { condition: 'avg(g{}) > 3.5 in 3m by job' },
    series: { [gauge]: '1 2 3 4 5 6 1 1 1', [other]: '4x9' },
  },
  {
    title: 'the highest',
    rule: { condition: 'max(g{}) >= 6 in 2m' },
    series: { [gauge]: '1 2 6 4 5 6 1 1 1 1 1' },
  },
  {
    title: 'the lowest',
    rule: { condition: 'min(g{}) < 2 in 2m by zone' },
    series: { [gauge]: '1 2 6 4 5 6 1 1 3 3 3', [other]: '5x11' },
  },
  {
    title: 'a rising counter',
    rule: { condition: 'count(c{}) > 40 in 5m' },
    series: { 'c{}': '0+10x10 100x10' },
  },
  {
    title: 'a counter that begins anew',
    rule: { condition: 'count(c{}) > 30 in 4m by *' },
    series: { 'c{a="1"}': '0+10x6 0+10x6 60x6' },
  },
  {
    title: 'a counter with gaps',
    rule: { condition: 'count(c{}) > 25 in 4m' },
    series: { 'c{}': '0 10 _ 30 _ _ 60 70 _x4 80 90' },
  },
  {
    title: 'a counter that began a moment ago',
    rule: { condition: 'count(c{}) > 3 in 10m' },
    series: { 'c{}': '_x3 1 5 9 9 9' },
  },
  {
    title: 'a counter of one sample says nothing',
    rule: { condition: 'count(c{}) >= 0 in 1m' },
    series: { 'c{}': '5 _ _ 7 8' },
  },
  {
    title: 'a rate',
    rule: { condition: 'rate(c{}) > 0.15 in 5m by a' },
    series: { 'c{a="1"}': '0+10x10 100x10', 'c{a="2"}': '0+5x20' },
  },
  {
    title: 'a share',
    rule: { condition: 'ratio(http_total{code=~"5.."} / http_total{}) > 0.05 in 5m by route' },
    series: { [errors]: '0x5 0+2x10 20x10', [fine]: '0+20x25' },
  },
  {
    title: 'a share of too few',
    rule: { condition: 'ratio(http_total{code=~"5.."} / http_total{}) > 0.05 in 3m by route min 30' },
    series: { [errors]: '0+1x12', [fine]: '0+5x6 30+30x6' },
  },
  {
    title: 'a share of nothing',
    rule: { condition: 'ratio(http_total{code=~"5.."} / http_total{}) >= 0 in 3m' },
    series: { [errors]: '0x9', [fine]: '5x9' },
  },
  {
    title: 'a quantile',
    rule: { condition: 'p99(d{}) > 0.5 in 5m' },
    series: {
      'd_bucket{le="0.1"}': '0+10x12',
      'd_bucket{le="1"}': '0+10x5 51+11x6',
      'd_bucket{le="+Inf"}': '0+10x5 51+11x6',
    },
  },
  {
    title: 'a quantile by label, with min',
    rule: { condition: 'p50(d{}) > 0.05 in 5m by s min 20' },
    series: {
      'd_bucket{le="0.1", s="a"}': '0+4x12',
      'd_bucket{le="+Inf", s="a"}': '0+8x12',
      'd_bucket{le="0.1", s="b"}': '0+1x12',
      'd_bucket{le="+Inf", s="b"}': '0+2x12',
    },
  },
  {
    title: 'absent',
    rule: { condition: 'absent(g{job="a", zone=~"x"})', for: '1m' },
    series: { [gauge]: '_ _ 1 1 stale _ _ 1' },
  },
  {
    title: 'absent over a while',
    rule: { condition: 'absent(g{job="a"}) in 3m' },
    series: { [gauge]: '1 1 _x6 1 1' },
  },
  {
    title: 'labels and annotations are filled in',
    rule: {
      condition: 'value(g{}) > 0.5 by job',
      labels: { team: 'of-{{ $labels.job }}', job: 'own' },
      annotations: { summary: '{{ $labels.job }} is {{ $value }}, {{$labels.none}}' },
    },
    series: { [gauge]: '0.75 1e6 123456789 0.1 999999 2.5e22 123456.75 -0.5 1' },
  },
  {
    title: 'infinity and not a number',
    rule: { condition: 'value(g{}) != 1', annotations: { value: '{{ $value }}' } },
    series: { [gauge]: '1 Inf NaN -Inf 1' },
  },
  {
    title: 'more alerts than its limit are none',
    rule: { condition: 'value(g{}) > 0 by *' },
    series: { [gauge]: '1x4', [other]: '0 1 1 0' },
  },
]
