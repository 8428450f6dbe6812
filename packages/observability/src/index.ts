export { fieldOf } from './record/field.ts'
export { recordTest, type RecordTest } from './record/filter-match.ts'
export { type FieldOperator, type LogFilter, LogFilterError, parseLogFilter } from './record/log-filter.ts'
