export { type FieldOperator, type LogFilter, LogFilterError, parseLogFilter } from '@budao/model'
