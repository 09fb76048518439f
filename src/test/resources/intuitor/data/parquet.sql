-- Made the parquet files beside this file, with DuckDB: an independent writer, snappy-compressed like the files of the data sets.
-- Texts are this project's own; columns, types and nesting are those of MATH, of verl's data sets, of deepmind/code_contests
-- and of open-r1's verifiable code problems.
COPY (SELECT * FROM (VALUES
  ('Solve $3x = 12$.', 'Level 1', 'Dividing by 3 gives $x = \boxed{4}$.', 'Algebra'),
  ('How many ways are there to seat 3 people in a row?', 'Level 2', 'There are $3! = \boxed{6}$ ways.', 'Counting & Probability')
) t(problem, level, solution, type)) TO 'MATH/data/train-00000-of-00002.parquet' (FORMAT parquet, COMPRESSION snappy);
COPY (SELECT * FROM (VALUES
  ('What is $\frac12 + \frac13$?', 'Level 1', 'It is $\boxed{\frac{5}{6}}$.', 'Prealgebra')
) t(problem, level, solution, type)) TO 'MATH/data/train-00001-of-00002.parquet' (FORMAT parquet, COMPRESSION snappy);
COPY (SELECT * FROM (VALUES
  ('A test problem.', 'Level 5', '$\boxed{0}$', 'Algebra')
) t(problem, level, solution, type)) TO 'MATH/data/test-00000-of-00001.parquet' (FORMAT parquet, COMPRESSION snappy);
COPY (SELECT 'openai/gsm8k' AS data_source, [{'role': 'user', 'content': 'What is 5 + 6? Let''s think step by step.'}] AS prompt, 'math' AS ability,
             {'style': 'rule', 'ground_truth': '11'} AS reward_model, {'split': 'train', 'index': 0} AS extra_info
      UNION ALL
      SELECT 'openai/gsm8k', [{'role': 'system', 'content': 'Be brief.'}, {'role': 'user', 'content': 'What is 7 - 9?'}], 'math',
             {'style': 'rule', 'ground_truth': '-2'}, {'split': 'train', 'index': 1}) TO 'verl.parquet' (FORMAT parquet, COMPRESSION snappy);
COPY (SELECT '1_A. Sums' AS name, 'Read two numbers and print their sum.' AS description, {'input': ['1 2' || chr(10)], 'output': ['3' || chr(10)]} AS public_tests,
             {'input': ['5 6' || chr(10), '0 0' || chr(10)], 'output': ['11' || chr(10), '0' || chr(10)]} AS private_tests, {'input': [], 'output': []} AS generated_tests, 2::BIGINT AS source, 7::BIGINT AS difficulty
      UNION ALL
      SELECT 'p00001 Mountains', 'Print the three highest mountains.', {'input': ['1' || chr(10)], 'output': ['1' || chr(10)]}, {'input': [], 'output': []}, {'input': [], 'output': []}, 6, 0
      UNION ALL
      SELECT '2_B. Twice', 'Read a number and print its double.', {'input': ['4' || chr(10)], 'output': ['8' || chr(10)]}, {'input': [], 'output': []}, {'input': [], 'output': []}, 2, 8
     ) TO 'code_contests.parquet' (FORMAT parquet, COMPRESSION snappy);
COPY (SELECT 'stdio' AS task_type, 'Print the sum of two numbers.' AS prompt, 'print(sum(map(int, input().split())))' AS gold_standard_solution,
             {'language': 'python', 'test_cases': [{'type': 'stdin_stdout', 'input': '1 2' || chr(10), 'output': '3' || chr(10)}]} AS verification_info
     ) TO 'open-r1-code.parquet' (FORMAT parquet, COMPRESSION snappy);
