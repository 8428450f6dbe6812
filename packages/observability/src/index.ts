export { fieldOf } from './record/field.ts'
