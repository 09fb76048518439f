/**
 * Final answers of mathematical problems: finding them in a text ({@link intuitor.eval.answer.FinalAnswer}) and telling
 * whether two of them mean the same ({@link intuitor.eval.answer.Equivalence}). The way of an answer: {@code Notation}
 * (characters), {@code Lexer} (tokens), {@code Parser} ({@code Expr} trees), {@code Comparison} (by form),
 * {@code ScalarEquality}, {@code RealSet}, {@code RelationEquality}, {@code Matrices} (by value).
 */
package intuitor.eval.answer;
