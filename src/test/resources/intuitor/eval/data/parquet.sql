-- Made the parquet files beside this file, with DuckDB: an independent writer, snappy-compressed like the files of the data sets.
-- Questions, options and answers are this project's own; columns, types and nesting are those of openai/gsm8k and TIGER-Lab/MMLU-Pro.
COPY (SELECT * FROM (VALUES
  ('Ada has 3 boxes of 4 pens and finds 5 pens. How many pens does she have?', 'She has 3*4=<<3*4=12>>12 pens in boxes.' || chr(10) || '12+5=<<12+5=17>>17 pens.' || chr(10) || '#### 17'),
  ('A car needs 50 litres for 1,000 km. How many km does it go with 75 litres?', '75/50=1.5' || chr(10) || '1.5*1000=1500' || chr(10) || '#### 1,500'),
  ('It is 4 degrees and gets 9 degrees colder. How many degrees is it?', '4-9=-5' || chr(10) || '#### -5'),
  ('Ben reads 12 pages a day. How many pages does he read in a week?', '12*7=84' || chr(10) || '#### 84')
) t(question, answer)) TO 'gsm8k/main/test-00000-of-00001.parquet' (FORMAT parquet, COMPRESSION snappy);
COPY (SELECT * FROM (VALUES
  (0, 'What is 7 + 8?', ['12', '13', '14', '15'], 'D', 3, 'A: Let''s think step by step. 7 + 8 = 15. The answer is (D).', 'math', 'own'),
  (1, 'What is 6 * 7?', ['42', '36', '49'], 'A', 0, 'A: Let''s think step by step. 6 * 7 = 42. The answer is (A).', 'math', 'own'),
  (2, 'Which is a force?', ['metre', 'newton'], 'B', 1, 'A: Let''s think step by step. Forces are measured in newtons. The answer is (B).', 'physics', 'own')
) t(question_id, question, options, answer, answer_index, cot_content, category, src)) TO 'MMLU-Pro/data/validation-00000-of-00001.parquet' (FORMAT parquet, COMPRESSION snappy);
COPY (SELECT * FROM (VALUES
  (70, 'What is 9 * 9?', ['18', '81', '99', '90', '80', '72', '27', '64', '88', '19'], 'B', 1, '', 'math', 'own'),
  (71, 'What is half of 10?', ['2', '5', 'N/A', 'N/A'], 'B', 1, '', 'math', 'own'),
  (72, 'What falls?', ['an apple', 'smoke', 'the moon'], 'A', 0, '', 'physics', 'own')
) t(question_id, question, options, answer, answer_index, cot_content, category, src)) TO 'MMLU-Pro/data/test-00000-of-00001.parquet' (FORMAT parquet, COMPRESSION snappy);
COPY (SELECT 'a' AS name, [['x', NULL], [], NULL] AS nested, {'input': ['1', '2'], 'n': 3} AS tests, [{'role': 'user', 'content': 'hi'}] AS prompt, true AS flag, 0.5::DOUBLE AS number, NULL::VARCHAR AS nothing
      UNION ALL SELECT 'b', NULL, NULL, [], false, -2.0, NULL) TO 'nested.parquet' (FORMAT parquet, COMPRESSION snappy);
COPY (SELECT 'a' AS question) TO 'zstd.parquet' (FORMAT parquet, COMPRESSION zstd);
